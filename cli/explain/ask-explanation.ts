import { loadConfig } from '../../app/config/load-config.js';
import { ownOperatorToken, readOperatorToken } from '../../app/operator-token.js';
import { DomainError } from '../../protocol/errors.js';
import { explanationDetail, type ExplanationDetail } from '../../protocol/rest/explanation.js';
import { problem } from '../../protocol/rest/problem.js';
import { SdkError } from '../../sdk/sdk-error.js';

export interface OperatorAddress {
  readonly server: string;
  readonly tokenFile: string | undefined;
}

const timeoutMs = 15_000;

/** Throws the server's refusal as DomainError, SdkError `offline` when there is no answer, StartError without a token. */
export async function askExplanation(messageId: string, { server, tokenFile }: OperatorAddress): Promise<ExplanationDetail> {
  const token = tokenFile === undefined ? ownOperatorToken(loadConfig()) : readOperatorToken(tokenFile);
  const url = new URL(`/ops/messages/${encodeURIComponent(messageId)}/explain`, server);
  const response = await ask(url, token.reveal());
  const body: unknown = await response.json();
  if (response.ok) return explanationDetail.parse(body);
  const { code, detail, retryAfterMs } = problem.parse(body);
  throw new DomainError(code, detail, retryAfterMs === undefined ? {} : { retryAfterMs });
}

async function ask(url: URL, token: string): Promise<Response> {
  try {
    return await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    throw new SdkError('offline', `no answer from ${url.origin}: is it the admin port?`, { cause });
  }
}
