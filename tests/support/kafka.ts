import { randomUUID } from 'node:crypto';

import { createKafkaEventLog, type KafkaEventLogOptions } from '../../adapters/kafka/kafka-event-log.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { stackEndpoints } from '../../app/stack/endpoints.js';
import type { EventLogUnderTest } from '../contracts/event-log-contract.js';
import { dropTopics } from './drop-cluster.js';

const dayMs = 24 * 3_600_000;

/** On the broker of `npm run stack`, with topics of its own. */
export async function openKafkaLog(options: Partial<KafkaEventLogOptions> = {}): Promise<EventLogUnderTest> {
  const prefix = options.prefix ?? `test-${randomUUID().slice(0, 8)}`;
  const log = await createKafkaEventLog({
    brokers: stackEndpoints.kafkaBrokers,
    prefix,
    epoch: 1,
    partitions: 3,
    replicationFactor: 1,
    maxAgeMs: { messages: dayMs, receipts: dayMs, push: dayMs },
    maxWaitingBytes: 16 * 1024 ** 2,
    clock: createSystemClock(),
    onFailed: () => undefined,
    ...options,
  });
  return {
    log,
    reopen: async () => {
      await log.close();
      return openKafkaLog({ ...options, prefix });
    },
    dispose: async () => {
      await log.close();
      await dropTopics(prefix);
    },
  };
}
