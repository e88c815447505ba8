import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { Content } from '../../sdk/encryption/content.js';
import { contentKeyTable, effectTable, expiryTable, messageTable, untoldTable } from '../../sdk/messages/message-tables.js';
import { DeviceStore } from '../../sdk/store/device-store.js';
import { DeviceStage, heard, textsOf } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { PenPal } from '../support/pen-pal.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
  stage.server.nowMs = Date.now;
});
afterAll(() => stage.end());

const rule = (seconds?: number): Content => ({ type: 'disappearing', seconds });
const lastSends = (count: number) => stage.server.sends.filter(({ kind }) => kind === 'message').slice(-count);

/** What the directory of a closed device holds of messages. */
async function keptIn(directory: string) {
  const store = await DeviceStore.open(directory, {});
  const tables = [messageTable, contentKeyTable, effectTable, expiryTable, untoldTable] as const;
  const counts = tables.map((one) => store.range<unknown>(one, []).length);
  await store.close();
  return counts;
}

test('a message goes when its time is over, with its key and what was done to it, on the device that got it and on the one that sent it', async () => {
  const directory = stage.directory();
  const { device, pal, conversationId } = await PenPal.withDevice(stage, { directory });
  const disappeared = heard(device, 'disappeared');
  const { messageId } = await pal.write(device, 'for a moment', { ttlSeconds: 3 });
  await eventually(() => expect(textsOf(device.messages(conversationId))).toEqual(['for a moment']));
  await device.send(conversationId, { type: 'reaction', messageId, emoji: '👍' });
  const own = await device.send(conversationId, { type: 'text', text: 'for another' }, { ttlSeconds: 3 });
  await device.idle();
  expect(device.messages(conversationId)).toMatchObject([{ ttlSeconds: 3 }, { ttlSeconds: 3, state: 'accepted' }]);
  await eventually(() => expect(device.messages(conversationId)).toEqual([]));
  await eventually(() =>
    expect(disappeared.flatMap(({ messages }) => messages)).toEqual([
      { conversationId, messageId },
      { conversationId, messageId: own.messageId },
    ]),
  );
  expect(device.message(conversationId, messageId)).toBeUndefined();
  await stage.close(device);
  expect((await keptIn(directory)).slice(0, 3)).toEqual([0, 0, 0]);
});

test('a message whose time is over while the device is closed is never shown again, and deleted when the device opens', async () => {
  const directory = stage.directory();
  const { device, pal, conversationId } = await PenPal.withDevice(stage, { directory });
  await pal.write(device, 'for a moment', { ttlSeconds: 1 });
  await eventually(() => expect(textsOf(device.messages(conversationId))).toEqual(['for a moment']));
  await stage.close(device);
  const { acceptedAtMs } = stage.server.log.at(-1) ?? { acceptedAtMs: 0 };
  await eventually(() => expect(Date.now()).toBeGreaterThan(acceptedAtMs + 1_000));
  expect(await keptIn(directory)).toEqual([1, 1, 0, 1, expect.any(Number)]);
  const again = await stage.open({ directory });
  const told = heard(again, 'message');
  expect(again.messages(conversationId)).toEqual([]);
  const disappeared = heard(again, 'disappeared');
  await eventually(() => expect(disappeared).toHaveLength(1));
  again.connect();
  await pal.write(again, 'later');
  await eventually(() => expect(textsOf(told)).toEqual(['later']));
  await stage.close(again);
  expect(await keptIn(directory)).toEqual([1, 1, 0, 0, 0]);
});

test('a message that comes when its time is over is not kept', async () => {
  const directory = stage.directory();
  const { device, pal, conversationId } = await PenPal.withDevice(stage, { directory });
  const told = heard(device, 'message');
  stage.server.nowMs = () => Date.now() - 10_000;
  await pal.write(device, 'too late', { ttlSeconds: 5 });
  stage.server.nowMs = Date.now;
  await pal.write(device, 'in time', { ttlSeconds: 3_600 });
  await eventually(() => expect(textsOf(told)).toEqual(['in time']));
  expect(textsOf(device.messages(conversationId))).toEqual(['in time']);
  await stage.close(device);
  expect((await keptIn(directory)).slice(0, 2)).toEqual([1, 1]);
});

test('the rule of a conversation holds for what is sent from then on, whoever made it, and what is done to a message goes with it', async () => {
  const { device, pal, conversationId } = await PenPal.withDevice(stage);
  const ttls = (count: number) => lastSends(count).map(({ ttlSeconds }) => ttlSeconds);
  const say = (text: string) => device.send(conversationId, { type: 'text', text });
  await say('stays');
  await device.idle();
  await pal.write(device, rule(3_600));
  await eventually(() => expect(device.disappearing(conversationId)).toBe(3_600));
  const text = await say('goes');
  await device.send(conversationId, { type: 'reaction', messageId: text.messageId, emoji: '👍' });
  await device.send(conversationId, { type: 'text', text: 'goes earlier' }, { ttlSeconds: 60 });
  await device.idle();
  expect(ttls(4)).toEqual([undefined, 3_600, 3_600, 60]);
  await device.send(conversationId, rule());
  expect(device.disappearing(conversationId)).toBeUndefined();
  await device.send(conversationId, { type: 'edit', messageId: text.messageId, text: 'still goes' });
  await say('stays too');
  await device.idle();
  expect(ttls(3)).toEqual([undefined, expect.any(Number), undefined]);
  expect(textsOf(device.messages(conversationId))).toEqual(['stays', '(disappearing)', 'still goes', 'goes earlier', '(disappearing)', 'stays too']);
});

test('the server cannot make a message stay, nor disappear', async () => {
  const { device, pal, conversationId } = await PenPal.withDevice(stage);
  const { ttlSeconds, ...made } = await pal.seal(device, 'goes', { ttlSeconds: 60 });
  expect(ttlSeconds).toBe(60);
  pal.accept(made);
  pal.accept({ ...(await pal.seal(device, 'stays')), ttlSeconds: 60 });
  await eventually(() => expect(device.messages(conversationId).map((message) => message.ttlSeconds)).toEqual([60, undefined]));
});
