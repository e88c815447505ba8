import { readFileSync } from 'node:fs';

import { beforeAll, expect, test } from '@jest/globals';

import { ConversationLoad } from '../support/conversation-load.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);

test('every line of the dashboard has its metric', async () => {
  const text = await server.metrics();
  const given = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const asked = [...readFileSync('deploy/grafana/heliograph.json', 'utf8').matchAll(/heliograph_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter((name) => !given.has(name))).toEqual([]);
});

test('the lag of each group is told for each partition', async () => {
  const load = await ConversationLoad.start(server, { pairs: 2, everyMs: 100 });
  await load.settle(30_000);
  await load.close();
  const lags = [...(await server.metrics()).matchAll(/^heliograph_log_lag_records\{topic="(\w+)",group="([\w-]+)",partition="(\d+)"\} (\d+)$/gm)];
  const told = new Set(lags.map(([, topic, group, partition]) => `${topic} ${group} ${partition}`));
  const groups = ['messages history-writer', 'messages delivery-router', 'receipts receipt-handler', 'push push-notifier'];
  expect([...told].sort()).toEqual(groups.flatMap((group) => [0, 1, 2, 3, 4, 5].map((partition) => `${group} ${partition}`)).sort());
});
