import type { z } from 'zod';

import { bytesReplacer } from '../../protocol/bytes.js';
import { DomainError } from '../../protocol/errors.js';
import { restCalls, type RestInput, type RestOperation, type RestOutput } from '../../protocol/rest/contract.js';
import { problem } from '../../protocol/rest/problem.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';
import { parseKnownPart } from '../known-part.js';
import { SdkError } from '../sdk-error.js';

const timeoutMs = 15_000;

type Given<Input> = { readonly [Name in keyof Input as Input[Name] extends undefined ? never : Name]: Input[Name] };

/** The parts that a call has; numbers and ids become text where they stand in path or query. */
export type RestArguments<Operation extends RestOperation> = Given<RestInput<Operation>>;

interface Parts {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
}

/** Calls of the contract over HTTP. What a newer server adds to an answer is passed over. */
export class RestClient {
  readonly #server: URL;
  readonly #closing = new AbortController();
  /** Throws what getting a token throws. */
  readonly #token: (refused: boolean) => Promise<string>;

  constructor(server: string, token: (refused: boolean) => Promise<string>) {
    this.#server = new URL(server);
    this.#token = token;
  }

  /** Throws the server's refusal as DomainError, SdkError `offline` when there is no answer. */
  async call<Operation extends RestOperation>(operation: Operation, parts: RestArguments<Operation>): Promise<RestOutput<Operation>['body']> {
    const call: RestCall = restCalls[operation];
    const given: Parts = parts;
    if (call.open === true) return (await this.#once(call, given, undefined)) as RestOutput<Operation>['body'];
    try {
      return (await this.#once(call, given, await this.#token(false))) as RestOutput<Operation>['body'];
    } catch (error) {
      // A token may have ended a moment ago, or the server has a new key.
      if (!(error instanceof DomainError) || error.code !== 'unauthenticated') throw error;
      return (await this.#once(call, given, await this.#token(true))) as RestOutput<Operation>['body'];
    }
  }

  /** A URL of an answer, which may be relative to the server's address. */
  resolve(url: string): URL {
    return new URL(url, this.#server);
  }

  /** Ends what is under way with `offline`, so that nobody waits for a server that does not answer. */
  close(): void {
    this.#closing.abort();
  }

  async #once(call: RestCall, { params = {}, query = {}, body }: Parts, token: string | undefined): Promise<unknown> {
    const url = new URL(
      call.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name]))),
      this.#server,
    );
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, `${value}`);
    const { status, text } = await exchange(url, {
      method: call.method.toUpperCase(),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body, bytesReplacer) }),
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]),
    });
    const schema = call.answers[status];
    if (schema === null) return undefined;
    if (schema === undefined) throw refusalOf(status, text);
    return parsed(schema, text);
  }
}

async function exchange(url: URL, init: RequestInit): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    throw new SdkError('offline', `no answer from ${url.origin}`, { cause });
  }
}

function parsed(schema: z.ZodType, text: string): unknown {
  try {
    return parseKnownPart(schema, JSON.parse(text));
  } catch (cause) {
    throw new SdkError('untrusted_server', 'the server answered something that this version does not understand', { cause });
  }
}

function refusalOf(status: number, text: string): Error {
  try {
    const { code, detail, retryAfterMs, facts } = problem.parse(JSON.parse(text));
    return new DomainError(code, detail, {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(facts === undefined ? {} : { detail: facts }),
    });
  } catch {
    // Something between the device and the server answered.
    return new SdkError('offline', `the server cannot be reached: status ${status}`);
  }
}
