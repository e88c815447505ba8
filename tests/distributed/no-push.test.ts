import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { problem } from '../../protocol/rest/problem.js';
import { Absence } from '../support/absence.js';
import { eventually } from '../support/eventually.js';
import { PushService } from '../support/push-service.js';
import { RawPair } from '../support/raw-pair.js';
import { TestServer } from '../support/server.js';

const service = new PushService();
let server: TestServer;

beforeAll(async () => {
  await service.open();
  server = await TestServer.start({ each: 1, environment: { HELIOGRAPH_PUSH_VAPID_PRIVATE_KEY: '' } });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await service.close();
});

test('without a key nobody can subscribe, and what is queued asks for no wake-up', async () => {
  const pair = await RawPair.register(server);
  const key = await fetch(`${server.publicUrl}/v1/push/key`, { headers: { authorization: `Bearer ${pair.bob.token}` } });
  expect(problem.parse(await key.json())).toMatchObject({ status: 404, code: 'not_found' });
  await expect(Absence.begin(server, service)).rejects.toThrow('404');
  const alice = await pair.connect(pair.alice);
  alice.send(pair.message());
  await eventually(async () => expect(await server.metric('heliograph_pipeline_inbox_rows_total')).toBe(1));
  await alice.close();
  expect(await server.metrics()).not.toMatch(/^heliograph_wake_ups/m);
});
