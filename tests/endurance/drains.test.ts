import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { measureDrains } from '../../bench/scenarios/measure-drains.js';
import { startCluster } from '../../bench/targets/cluster-target.js';
import { startHeliograph } from '../../bench/targets/heliograph-target.js';
import type { GroupTarget } from '../../bench/targets/target.js';
import { dropCluster } from '../support/drop-cluster.js';
import { preparePostgres } from '../support/prepared-postgres.js';
import { isDistributed } from '../support/server.js';

const dist = resolve('dist');
let target: GroupTarget;
let cleanUp: () => Promise<void> = () => Promise.resolve();

beforeAll(async () => {
  if (isDistributed) {
    const name = `test_drains_${process.pid}`;
    target = await startCluster({ dist, nodeArgs: [], name });
    cleanUp = () => dropCluster(name);
    return;
  }
  const dataDirectory = await mkdtemp(join(tmpdir(), 'heliograph-drains-'));
  await preparePostgres(dataDirectory);
  target = await startHeliograph({ dist, dataDirectory, nodeArgs: [] });
}, 120_000);
afterAll(async () => {
  await target.stop();
  await cleanUp();
});

test('devices that come back at once all get what waited for them, each message once and in order', async () => {
  const drains = await measureDrains(target, { devices: 2_000, messagesEach: 20 });
  expect(drains).toMatchObject({ devices: 2_000, missing: 0, outOfOrder: 0 });
  // How full waves are depends on how quickly devices come and Temporal starts them; one device a wave would be 2,000.
  expect(drains.waves).toBeLessThan(1_000);
  // No more than what was under way when the gateway began to drain a device itself.
  expect(drains.doubled).toBeLessThan(2_000);
}, 300_000);
