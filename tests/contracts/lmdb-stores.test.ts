import { describe, expect, test } from '@jest/globals';

import { createLmdbHistory } from '../../adapters/lmdb/lmdb-history.js';
import { createLmdbInbox } from '../../adapters/lmdb/lmdb-inbox.js';
import { createLmdbLostGateways } from '../../adapters/lmdb/lmdb-lost-gateways.js';
import { createLmdbWatermarks } from '../../adapters/lmdb/lmdb-watermarks.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import type { LmdbStore } from '../../adapters/lmdb/lmdb-store.js';
import { deviceNumber, newAccountId } from '../support/ids.js';
import { openLmdbStore } from '../support/lmdb.js';
import { passOn, VirtualClock } from '../support/simulation/virtual-clock.js';
import { historyContract } from './history-contract.js';
import { inboxContract } from './inbox-contract.js';
import { lostGatewaysContract } from './lost-gateways-contract.js';
import { quarantineContract } from './quarantine-contract.js';
import { sessionRegistryContract } from './session-registry-contract.js';
import { watermarksContract } from './watermarks-contract.js';

const yearMs = 365 * 24 * 3_600_000;

inboxContract('lmdb', (maxAgeMs) => {
  const { store, dispose } = openLmdbStore();
  const inbox = createLmdbInbox(store, { maxAgeMs });
  return Promise.resolve({ inbox, sweep: () => inbox.sweepExpired(Date.now()), dispose });
});

quarantineContract('lmdb', () => {
  const { store, dispose } = openLmdbStore();
  return Promise.resolve({ inbox: createLmdbInbox(store, { maxAgeMs: yearMs }), dispose });
});

historyContract('lmdb', () => {
  const { store, dispose } = openLmdbStore();
  const clock = createSystemClock();
  const history = createLmdbHistory(store, { clock, maxAgeMs: yearMs, indexMaxAgeMs: yearMs });
  return Promise.resolve({ history, nowMs: clock.nowMs(), sweep: () => history.sweepExpired(clock.nowMs()), dispose });
});

watermarksContract('lmdb', () => {
  const { store, dispose } = openLmdbStore();
  return Promise.resolve({ watermarks: createLmdbWatermarks(store), dispose });
});

function lostGatewaysOf(store: LmdbStore) {
  const clock = new VirtualClock();
  return { ...createLmdbLostGateways(store, { registry: createMemorySessionRegistry(clock), clock }), pass: (ms: number) => passOn(clock, ms) };
}

sessionRegistryContract('memory, with what LMDB remembers', () => Promise.resolve(lostGatewaysOf(openLmdbStore().store)));
lostGatewaysContract('lmdb', () => Promise.resolve(lostGatewaysOf(openLmdbStore().store)));

describe('lost gateways in lmdb', () => {
  test('are known, with their devices, to the process that comes after a crash', async () => {
    const { store, dispose } = openLmdbStore();
    const before = lostGatewaysOf(store);
    const leaseEpoch = await before.registry.openLease('one');
    const device = { accountId: newAccountId(), deviceId: deviceNumber(3) };
    await before.registry.claim([{ device, gatewayId: 'one', leaseEpoch, sessionEpoch: 1 }]);
    await store.flushed();

    const { registry, lostGateways, pass } = lostGatewaysOf(store);
    await pass(leaseEpoch + 60_000);
    await registry.openLease('one');
    const [lost, ...more] = await lostGateways.list();
    expect([lost?.gatewayId, lost?.leaseEpoch, more]).toEqual(['one', leaseEpoch, []]);
    expect(lost && (await lostGateways.devices(lost, { after: undefined, limit: 10 }))).toEqual([device]);
    await dispose();
  });
});
