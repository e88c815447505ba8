import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createMemoryDrainPause } from '../../adapters/memory/drain-pause.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createAdminServer, type Dependency } from '../../app/admin-server.js';
import { Secret } from '../../app/config/secret.js';
import { createOperatorApi } from '../../app/operator-api.js';
import { DomainError } from '../../protocol/errors.js';
import { createLogger } from '../../telemetry/logger.js';
import { newMessageId } from '../support/ids.js';
import { MemorySuspicions } from '../support/memory-suspicions.js';

let close: () => void = () => undefined;
afterEach(() => {
  close();
});

async function ask(path: string, { token, method = 'GET', headers = {}, dependencies = [] }: Asked = {}): Promise<readonly [number, unknown]> {
  const explainer = { detail: () => Promise.reject(new TypeError('a fault')) };
  const workflows = {
    list: () => Promise.resolve({ workflows: [] }),
    detail: () => Promise.reject(new DomainError('not_found', 'no such workflow')),
  };
  const release = {
    quarantine: new MemorySuspicions(),
    announcements: { publish: () => Promise.resolve() },
    wakeUps: { ask: () => undefined },
    clock: createSystemClock(),
    drainPause: createMemoryDrainPause(createSystemClock()),
  };
  const operatorApi = createOperatorApi({ ...release, token, explainer, workflows, logger: createLogger('silent') });
  const server = createAdminServer({ registry: new Registry(), dependencies, accepting: () => true, operatorApi }).listen(0, '127.0.0.1');
  close = () => void server.close();
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method, headers });
  return [response.status, await response.json()];
}

interface Asked {
  readonly token?: Secret;
  readonly method?: 'GET' | 'POST';
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
  { when: 'a status is none', path: '/ops/workflows?status=odd', asked: { token, headers }, status: 400, code: 'invalid_request', names: 'status' },
  { when: 'a device is none', path: '/ops/workflows?device=a.1', asked: { token, headers }, status: 400, code: 'invalid_request', names: 'device' },
  {
    when: 'a type would end the query',
    path: "/ops/workflows?type=a'",
    asked: { token, headers },
    status: 400,
    code: 'invalid_request',
    names: 'type',
  },
  { when: 'too many are wanted', path: '/ops/workflows?limit=101', asked: { token, headers }, status: 400, code: 'invalid_request', names: '100' },
  {
    when: 'a filter is unknown',
    path: '/ops/workflows?colour=red',
    asked: { token, headers },
    status: 400,
    code: 'invalid_request',
    names: 'colour',
  },
  {
    when: 'drains shall be held back for too long',
    path: '/ops/drains/pause?minutes=61',
    asked: { token, headers, method: 'POST' as const },
    status: 400,
    code: 'invalid_request',
    names: 'minutes',
  },
  {
    when: 'there is no such workflow',
    path: '/ops/workflows/a%2Fb',
    asked: { token, headers },
    status: 404,
    code: 'not_found',
    names: 'no such workflow',
  },
  { when: 'the server has a fault, without its text', asked: { token, headers }, status: 500, code: 'internal', names: 'it was logged' },
])('a call of an operator is refused when $when', async ({ path = explain, asked, status, code, names }) => {
  expect(await ask(path, asked)).toEqual([status, expect.objectContaining({ code, detail: expect.stringContaining(names) })]);
});
