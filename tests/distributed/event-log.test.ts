import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout } from 'node:timers/promises';

import { expect, test } from '@jest/globals';
import { connectionsApiChannel } from '@platformatic/kafka';

import { eventLogContract } from '../contracts/event-log-contract.js';
import { openKafkaLog } from '../support/kafka.js';

eventLogContract('kafka', () => openKafkaLog());

test('the kafka log refuses another number of partitions than its topics have', async () => {
  const prefix = `test-partitions-${Date.now()}`;
  const { dispose } = await openKafkaLog({ prefix });
  await expect(openKafkaLog({ prefix, partitions: 4 })).rejects.toThrow(/has 3 partitions, 4 were asked for/);
  await dispose();
});

test('the kafka log answers `unavailable` while nothing listens where the broker should be', async () => {
  await expect(openKafkaLog({ brokers: ['127.0.0.1:1'] })).rejects.toMatchObject({ code: 'unavailable' });
});

test('a kafka log that nobody uses asks the broker for nothing, and one that waits for records a few times a second', async () => {
  const { log, dispose } = await openKafkaLog();
  let asked = 0;
  const count = () => (asked += 1);
  subscribe(connectionsApiChannel.start.name, count);
  await setTimeout(500);
  expect(asked).toBe(0);
  const consumer = await log.consume({
    topic: 'messages',
    group: 'waiting',
    maxBatch: 10,
    assigned: () => ({ records: () => Promise.resolve(), revoked: () => Promise.resolve() }),
  });
  await setTimeout(1_000);
  asked = 0;
  await setTimeout(2_000);
  unsubscribe(connectionsApiChannel.start.name, count);
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThan(15);
  await consumer.close();
  await dispose();
});
