import { createLmdbHistory } from '../../adapters/lmdb/lmdb-history.js';
import { createLmdbInbox } from '../../adapters/lmdb/lmdb-inbox.js';
import { createLmdbWatermarks } from '../../adapters/lmdb/lmdb-watermarks.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { openLmdbStore } from '../support/lmdb.js';
import { historyContract } from './history-contract.js';
import { inboxContract } from './inbox-contract.js';
import { watermarksContract } from './watermarks-contract.js';

const yearMs = 365 * 24 * 3_600_000;

inboxContract('lmdb', (maxAgeMs) => {
  const { store, dispose } = openLmdbStore();
  const inbox = createLmdbInbox(store, { maxAgeMs });
  return Promise.resolve({ inbox, sweep: () => inbox.sweepExpired(Date.now()), dispose });
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
