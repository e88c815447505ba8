import type { z } from 'zod';

import { loadConfig } from '../../app/config/load-config.js';
import { ownOperatorToken, readOperatorToken } from '../../app/operator-token.js';
import { DomainError } from '../../protocol/errors.js';
import { problem } from '../../protocol/rest/problem.js';
import { SdkError } from '../../sdk/sdk-error.js';

interface OperatorAddress {
  readonly server: string;
  readonly tokenFile?: string | undefined;
}

export interface OperatorFlags extends OperatorAddress {
  readonly json: boolean;
}

interface Shown<Schema extends z.ZodType> {
  /** GET, unless it changes something. */
  readonly method?: 'POST';
  readonly schema: Schema;
  /** For people. */
  readonly render: (answer: z.output<Schema>) => string;
}

interface Call {
  readonly path: string;
  readonly method: 'POST' | undefined;
}

const timeoutMs = 15_000;

/** Prints the answer to a call below `/ops/` of an admin port. Throws the server's refusal as DomainError, SdkError `offline` when there is no answer, StartError without a token. */
export async function showAnswer<Schema extends z.ZodType>(
  path: string,
  { method, schema, render }: Shown<Schema>,
  { json, ...address }: OperatorFlags,
): Promise<void> {
  const answer = await answerOf({ path, method }, schema, address);
  console.log(json ? JSON.stringify(answer, undefined, 2) : render(answer));
}

async function answerOf<Schema extends z.ZodType>(call: Call, schema: Schema, { server, tokenFile }: OperatorAddress): Promise<z.output<Schema>> {
  const token = tokenFile === undefined ? ownOperatorToken(loadConfig()) : readOperatorToken(tokenFile);
  const response = await ask(new URL(`/ops/${call.path}`, server), call.method ?? 'GET', token.reveal());
  const body: unknown = await response.json();
  if (response.ok) return schema.parse(body);
  const { code, detail, retryAfterMs } = problem.parse(body);
  throw new DomainError(code, detail, retryAfterMs === undefined ? {} : { retryAfterMs });
}

async function ask(url: URL, method: 'GET' | 'POST', token: string): Promise<Response> {
  try {
    return await fetch(url, { method, headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    throw new SdkError('offline', `no answer from ${url.origin}: is it the admin port?`, { cause });
  }
}
