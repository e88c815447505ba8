import { expect } from '@jest/globals';

import type { LoadDevice } from '../../bench/load/wire.js';
import { bytesReplacer } from '../../protocol/bytes.js';
import { problem, type Problem } from '../../protocol/rest/problem.js';

interface Given {
  readonly as?: LoadDevice | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** REST by hand: what is sent is in the test's hands, and problems are what the contract says. */
export function rawRest(publicUrl: () => string) {
  /** What is given as text or bytes is sent as it is. */
  const call = (method: string, path: string, { as, body, headers = {} }: Given = {}): Promise<Response> => {
    const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body, bytesReplacer);
    return fetch(publicUrl() + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(as === undefined ? {} : { authorization: `Bearer ${as.token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw }),
    });
  };
  const problemOf = async (response: Response): Promise<Problem> => {
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const body = problem.parse(await response.json());
    expect(body.status).toBe(response.status);
    return body;
  };
  const refusal = async (
    method: string,
    path: string,
    given: Given = {},
  ): Promise<Pick<Problem, 'status' | 'code'> & { readonly field: unknown }> => {
    const { status, code, facts } = await problemOf(await call(method, path, given));
    return { status, code, field: facts?.['field'] };
  };
  return { call, problemOf, refusal };
}
