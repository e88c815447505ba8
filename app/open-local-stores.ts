import { join } from 'node:path';

import { createLmdbEventLog } from '../adapters/lmdb/lmdb-event-log.js';
import { createLmdbHistory } from '../adapters/lmdb/lmdb-history.js';
import { createLmdbLostGateways } from '../adapters/lmdb/lmdb-lost-gateways.js';
import { createLmdbInbox } from '../adapters/lmdb/lmdb-inbox.js';
import { LmdbStore } from '../adapters/lmdb/lmdb-store.js';
import { createLmdbWatermarks } from '../adapters/lmdb/lmdb-watermarks.js';
import { createMemorySessionRegistry } from '../adapters/memory/session-registry.js';
import type { Clock } from '../ports/clock.js';
import type { EventLog } from '../ports/event-log.js';
import type { History } from '../ports/history.js';
import type { Inbox } from '../ports/inbox.js';
import type { Quarantine } from '../ports/quarantine.js';
import type { LostGateways } from '../ports/lost-gateways.js';
import type { SessionRegistry } from '../ports/session-registry.js';
import type { Watermarks } from '../ports/watermarks.js';
import type { Logger } from '../telemetry/logger.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import { inboxMaxAgeMs } from './profiles/sizes.js';

const dayMs = 24 * 3_600_000;
const indexMaxAgeMs = 30 * dayMs;
const maxWaitingAppendBytes = 256 * 1024 * 1024;
/** Often and little: a store of ten million rows is gone through in three hours. */
const sweepEveryMs = 100;
/** Appends wait for the write-ahead log alone. */
const logCommitDelayMs = 100;
/** What comes while a partition's rows are written waits for them; fewer commits leave the disk to the log. */
const storesCommitDelayMs = 3;

export interface LocalStores {
  readonly eventLog: EventLog;
  readonly inbox: Inbox;
  readonly quarantine: Quarantine;
  readonly history: History;
  readonly watermarks: Watermarks;
  readonly registry: SessionRegistry;
  readonly lostGateways: LostGateways;
}

export interface LocalStoresOptions {
  readonly config: Config;
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly closer: Closer;
}

/** The log and the stores of the embedded profile, in an LMDB environment each. */
export async function openLocalStores({ config, directory, clock, logger, closer }: LocalStoresOptions): Promise<LocalStores> {
  const { log, history: historyConfig } = config;
  const records = new LmdbStore({ directory: join(directory, 'log'), commitDelayMs: logCommitDelayMs });
  closer.add('message log', () => records.close());
  const store = new LmdbStore({ directory: join(directory, 'stores'), commitDelayMs: storesCommitDelayMs });
  closer.add('stores', () => store.close());
  const inbox = createLmdbInbox(store, { maxAgeMs: inboxMaxAgeMs });
  const history = createLmdbHistory(store, { clock, maxAgeMs: historyConfig.maxAgeMs, indexMaxAgeMs });
  const eventLog = await createLmdbEventLog(
    { directory: join(directory, 'write-ahead'), records, offsets: store },
    {
      partitions: log.partitions,
      maxAgeMs: { messages: log.messagesMaxAgeMs, receipts: log.receiptsMaxAgeMs, push: dayMs },
      maxBytesPerPartition: log.maxBytesPerPartition,
      maxWaitingBytes: maxWaitingAppendBytes,
      clock,
      onUnreadDeleted: (lost) => {
        logger.error(lost, 'the log had to delete records that a group had not read');
      },
    },
  );
  closer.add('event log', () => eventLog.close());
  const sweeping = setInterval(() => {
    for (const sweep of [inbox.sweepExpired, history.sweepExpired]) {
      sweep(clock.nowMs()).catch((error: unknown) => {
        logger.error({ err: error }, 'expired rows could not be swept');
      });
    }
  }, sweepEveryMs);
  closer.add('sweeps', () => {
    clearInterval(sweeping);
  });
  const sessions = createLmdbLostGateways(store, { registry: createMemorySessionRegistry(clock), clock });
  return { eventLog, inbox, quarantine: inbox.quarantine, history, watermarks: createLmdbWatermarks(store), ...sessions };
}
