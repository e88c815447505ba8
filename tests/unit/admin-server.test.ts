import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createAdminServer, type Dependency } from '../../app/admin-server.js';
import { Secret } from '../../app/config/secret.js';
import { createOperatorApi } from '../../app/operator-api.js';
import { createLogger } from '../../telemetry/logger.js';
import { newMessageId } from '../support/ids.js';

let close: () => void = () => undefined;
afterEach(() => {
  close();
});

async function ask(path: string, { token, headers = {}, dependencies = [] }: Asked = {}): Promise<readonly [number, unknown]> {
  const explainer = { detail: () => Promise.reject(new TypeError('a fault')) };
  const operatorApi = createOperatorApi({ token, explainer, logger: createLogger('silent') });
  const server = createAdminServer({ registry: new Registry(), dependencies, accepting: () => true, operatorApi }).listen(0, '127.0.0.1');
  close = () => void server.close();
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { headers });
  return [response.status, await response.json()];
}

interface Asked {
  readonly token?: Secret;
  readonly headers?: Readonly<Record<string, string>>;
  readonly dependencies?: readonly Dependency[];
}

const there = () => Promise.resolve(true);
const gone = () => Promise.reject(new Error('gone'));
const silent = () => new Promise<boolean>(() => undefined);

test.each([
  { when: 'everything is there', log: there, blobs: there, status: 200, told: { log: 'ok', blobs: 'ok' } },
  { when: 'what it cannot do without is gone', log: gone, blobs: there, status: 503, told: { log: 'away', blobs: 'ok' } },
  { when: 'what it cannot do without does not answer', log: silent, blobs: there, status: 503, told: { log: 'away', blobs: 'ok' } },
  { when: 'what it can do without does not answer', log: there, blobs: silent, status: 200, told: { log: 'ok', blobs: 'away' } },
])('readiness is told when $when', async ({ log, blobs, status, told }) => {
  const answer = await ask('/readyz', {
    dependencies: [
      { name: 'log', ok: log },
      { name: 'blobs', ok: blobs, optional: true },
    ],
  });
  expect(answer).toEqual([status, { ready: status === 200, dependencies: told }]);
});

const explain = `/ops/messages/${newMessageId()}/explain`;
const token = new Secret('right');
const [headers, wrong] = [{ authorization: 'Bearer right' }, { authorization: 'Bearer wrong' }];

test.each([
  { when: 'the server has no operator token', asked: { headers }, status: 403, code: 'forbidden', names: 'HELIOGRAPH_OPERATOR_TOKEN' },
  { when: 'nobody says who asks', asked: { token }, status: 401, code: 'unauthenticated', names: 'operator token' },
  { when: 'somebody else asks', asked: { token, headers: wrong }, status: 401, code: 'unauthenticated', names: 'operator token' },
  { when: 'there is no such call', path: '/ops/anything', asked: { token, headers }, status: 404, code: 'not_found', names: '/ops/messages/' },
  { when: 'the id is none', path: '/ops/messages/x/explain', asked: { token, headers }, status: 400, code: 'invalid_request', names: 'messageId' },
  { when: 'the server has a fault, without its text', asked: { token, headers }, status: 500, code: 'internal', names: 'it was logged' },
])('a call of an operator is refused when $when', async ({ path = explain, asked, status, code, names }) => {
  expect(await ask(path, asked)).toEqual([status, expect.objectContaining({ code, detail: expect.stringContaining(names) })]);
});
