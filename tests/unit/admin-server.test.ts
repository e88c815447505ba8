import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createAdminServer, type Dependency } from '../../app/admin-server.js';

let close: () => void = () => undefined;
afterEach(() => {
  close();
});

async function readiness(...dependencies: readonly Dependency[]) {
  const server = createAdminServer({ registry: new Registry(), dependencies, accepting: () => true }).listen(0, '127.0.0.1');
  close = () => void server.close();
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`);
  return [response.status, await response.json()];
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
  const answer = await readiness({ name: 'log', ok: log }, { name: 'blobs', ok: blobs, optional: true });
  expect(answer).toEqual([status, { ready: status === 200, dependencies: told }]);
});
