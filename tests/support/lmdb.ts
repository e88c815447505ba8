import { cpSync } from 'node:fs';
import { join } from 'node:path';

import { createLmdbEventLog, type LmdbEventLogOptions } from '../../adapters/lmdb/lmdb-event-log.js';
import { LmdbStore } from '../../adapters/lmdb/lmdb-store.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import type { EventLog } from '../../ports/event-log.js';
import type { EventLogUnderTest } from '../contracts/event-log-contract.js';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.js';

const dayMs = 24 * 3_600_000;

const testLogOptions: LmdbEventLogOptions = {
  partitions: 3,
  maxAgeMs: { messages: dayMs, receipts: dayMs, push: dayMs },
  maxBytesPerPartition: 1024 ** 3,
  maxWaitingBytes: 16 * 1024 ** 2,
  clock: createSystemClock(),
  onUnreadDeleted: () => undefined,
};

export interface LmdbLogUnderTest extends EventLogUnderTest {
  /** On what the disk has now, as after a crash. The present log stays. */
  crash(): Promise<LmdbLogUnderTest>;
}

export interface LmdbLogSettings extends Partial<LmdbEventLogOptions> {
  readonly directory?: TemporaryDirectory;
  readonly commitDelayMs?: number;
}

export async function openLmdbLog(settings: LmdbLogSettings = {}): Promise<LmdbLogUnderTest> {
  const { directory = temporaryDirectory(), commitDelayMs = 0, ...options } = settings;
  const store = new LmdbStore({ directory: directory.path, commitDelayMs });
  const log = await openLogOn(store, directory, options);
  const close = async () => {
    await log.close();
    await store.close();
  };
  return {
    log,
    reopen: async () => {
      await close();
      return openLmdbLog({ ...settings, directory });
    },
    crash: async () => {
      const copy = temporaryDirectory();
      cpSync(directory.path, copy.path, { recursive: true });
      return openLmdbLog({ ...settings, directory: copy });
    },
    dispose: async () => {
      await close();
      directory.remove();
    },
  };
}

export interface LmdbUnderTest {
  readonly store: LmdbStore;
  openLog(options?: Partial<LmdbEventLogOptions>): Promise<EventLog>;
  dispose(): Promise<void>;
}

export function openLmdbStore(): LmdbUnderTest {
  const directory = temporaryDirectory();
  const store = new LmdbStore({ directory: directory.path, commitDelayMs: 0 });
  return {
    store,
    openLog: (options = {}) => openLogOn(store, directory, options),
    dispose: async () => {
      await store.close();
      directory.remove();
    },
  };
}

function openLogOn(store: LmdbStore, { path }: TemporaryDirectory, options: Partial<LmdbEventLogOptions>): Promise<EventLog> {
  return createLmdbEventLog({ directory: join(path, 'write-ahead'), records: store, offsets: store }, { ...testLogOptions, ...options });
}
