import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import type { ConversationId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ConversationView } from '../../protocol/rest/conversation.js';
import { eventually } from '../support/eventually.js';
import { RawMember } from '../support/raw-group.js';
import { RegisteredDevices } from '../support/registered-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

const devicesEach = 2;
const messageCount = 10;
const gatewayCount = 2;

let server: RunningServer;
let registered: RegisteredDevices;
let members: readonly (readonly RawMember[])[];
let devices: readonly RawMember[];
let view: ConversationView;

beforeAll(async () => {
  server = await sharedServer();
  registered = new RegisteredDevices(server);
  const accounts = await Promise.all(Array.from({ length: limits.maxGroupMembers }, () => registered.account(devicesEach)));
  members = accounts.map(({ devices: of }) => of.map((device) => new RawMember(server, device)));
  devices = members.flat();
  const [[owner] = []] = members;
  if (owner === undefined) throw new Error('a group has an owner');
  const others = accounts.slice(1).map(({ accountId }) => accountId);
  view = await owner.change('POST', '/conversations', { kind: 'group', conversationId: v7() as ConversationId, members: others });
  for (let from = 0; from < devices.length; from += 64) await Promise.all(devices.slice(from, from + 64).map((device) => device.connect()));
}, 180_000);
afterAll(async () => {
  await Promise.all(devices.map((device) => device.disconnect()));
  await registered.close();
}, 60_000);

async function countsOf(...names: readonly string[]): Promise<readonly number[]> {
  return Promise.all(names.map((name) => server.metric(`heliograph_pipeline_${name}_total`)));
}

const counted = ['routed', 'route_lookups', 'push_frames', 'inbox_rows', 'history_messages'] as const;

test('a message to 256 members with two devices each takes one look-up, a frame for each gateway and one row, and reaches every device in order', async () => {
  const [sender, ...others] = devices as readonly [RawMember, ...RawMember[]];
  await eventually(() => {
    expect(devices.filter(({ events }) => events.length === 0)).toEqual([]);
  }, 30_000);
  await eventually(async () => expect((await countsOf('history_messages'))[0]).toBeGreaterThan(0));
  const before = await countsOf(...counted);
  const sent: string[] = [];
  for (let count = 0; count < messageCount; count += 1) {
    const answer = await sender.send(view);
    if (answer.type !== 'accepted') throw new Error(JSON.stringify(answer));
    sent.push(answer.messageId);
  }
  await eventually(() => {
    expect(others.filter(({ messages }) => messages.length < messageCount)).toHaveLength(0);
  }, 60_000);
  expect(others.filter(({ messages }) => messages.join() !== sent.join())).toEqual([]);
  expect(sender.messages).toEqual([]);
  await eventually(async () => {
    const after = await countsOf(...counted);
    const [routed, lookups = 0, frames = 0, rows, written] = after.map((count, index) => count - (before[index] ?? 0));
    expect({ routed, rows, written }).toEqual({ routed: messageCount, rows: 0, written: messageCount });
    expect(lookups).toBeLessThanOrEqual(messageCount);
    expect(frames).toBe(messageCount * gatewayCount);
  });
}, 120_000);

test('everybody’s receipts reach the sender, and devices that were away get the message when they come back', async () => {
  const [sender, ...others] = devices as readonly [RawMember, ...RawMember[]];
  const away = others.slice(0, 100);
  await Promise.all(away.map((device) => device.disconnect()));
  const answer = await sender.send(view);
  if (answer.type !== 'accepted') throw new Error(JSON.stringify(answer));
  const { messageId, position } = answer;
  await Promise.all(away.map((device) => device.connect()));
  await eventually(() => {
    expect(others.filter(({ messages }) => messages.at(-1) !== messageId)).toHaveLength(0);
  }, 60_000);
  await eventually(async () => {
    const { items } = (await sender.ask('GET', `/conversations/${view.conversationId}/receipts`)).body as { items: { deliveredPosition?: number }[] };
    expect(items.filter(({ deliveredPosition = 0 }) => deliveredPosition >= position)).toHaveLength(devices.length - devicesEach);
  }, 30_000);
}, 120_000);
