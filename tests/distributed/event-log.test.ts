import { setTimeout } from 'node:timers/promises';

import { expect, jest, test } from '@jest/globals';

import { requestQueue } from '../../adapters/kafka/calm-request-queue.js';
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

test('a kafka log that nobody uses rests', async () => {
  const { dispose } = await openKafkaLog();
  await setTimeout(100);
  const looks = jest.spyOn(requestQueue, 'checkPendingRequests');
  await setTimeout(500);
  expect(looks.mock.calls.length).toBeLessThan(20);
  looks.mockRestore();
  await dispose();
});
