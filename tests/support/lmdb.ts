import { createLmdbEventLog, type LmdbEventLogOptions } from '../../adapters/lmdb/lmdb-event-log.js';
import { LmdbStore } from '../../adapters/lmdb/lmdb-store.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import type { EventLogUnderTest } from '../contracts/event-log-contract.js';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.js';

const dayMs = 24 * 3_600_000;

export const testLogOptions: LmdbEventLogOptions = {
  partitions: 3,
  maxAgeMs: { messages: dayMs, receipts: dayMs },
  maxBytesPerPartition: 1024 ** 3,
  maxWaitingBytes: 16 * 1024 ** 2,
  clock: createSystemClock(),
  onUnreadDeleted: () => undefined,
};

export async function openLmdbLog(directory: TemporaryDirectory = temporaryDirectory()): Promise<EventLogUnderTest> {
  const store = new LmdbStore({ directory: directory.path, commitDelayMs: 0 });
  const log = await createLmdbEventLog({ records: store, offsets: store }, testLogOptions);
  const close = async () => {
    await log.close();
    await store.close();
  };
  return {
    log,
    reopen: async () => {
      await close();
      return openLmdbLog(directory);
    },
    dispose: async () => {
      await close();
      directory.remove();
    },
  };
}

export interface LmdbUnderTest {
  readonly store: LmdbStore;
  dispose(): Promise<void>;
}

export function openLmdbStore(): LmdbUnderTest {
  const directory = temporaryDirectory();
  const store = new LmdbStore({ directory: directory.path, commitDelayMs: 0 });
  return {
    store,
    dispose: async () => {
      await store.close();
      directory.remove();
    },
  };
}
