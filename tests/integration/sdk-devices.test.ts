import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { openDevice, type ConversationId, type Device } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterEach(() => live.end());

const person = () => live.open(live.directory(), live.handle());
const say = (device: Device, conversationId: ConversationId, text: string) => device.send(conversationId, { type: 'text', text });
const texts = (device: Device, conversationId: ConversationId) =>
  device.messages(conversationId).map(({ content }) => (content.type === 'text' ? content.text : `(${content.type})`));

describe('a device that is linked', () => {
  test('gets what its account is sent and sends from then on, on both sides of a conversation, in one order', async () => {
    const [ann, bob] = await Promise.all([person(), person()]);
    const { conversationId } = await ann.conversationWith(bob.handle);
    await say(ann, conversationId, 'before');
    await eventually(() => expect(texts(bob, conversationId)).toEqual(['before']));
    const annsTablet = await live.linked(ann);
    expect([annsTablet.accountId, annsTablet.handle, annsTablet.deviceId]).toEqual([ann.accountId, ann.handle, 2]);
    const bobsLaptop = await live.linked(bob);
    const all = [ann, annsTablet, bob, bobsLaptop];
    for (const [index, device] of all.entries()) {
      await say(device, (await device.conversationWith(index < 2 ? bob.handle : ann.handle)).conversationId, `from ${index}`);
      await eventually(() => expect(all.map((of) => texts(of, conversationId).at(-1))).toEqual(Array(4).fill(`from ${index}`)));
    }
    const said = ['from 0', 'from 1', 'from 2', 'from 3'];
    expect([annsTablet, bobsLaptop].map((device) => texts(device, conversationId))).toEqual([said, said]);
    expect(texts(bob, conversationId)).toEqual(['before', ...said]);
    expect(bob.safetyNumber(ann.accountId)).toEqual(bobsLaptop.safetyNumber(ann.accountId));
  });

  test('knows what was read on the other device, and shows its ticks for what the other sent', async () => {
    const [ann, bob] = await Promise.all([person(), person()]);
    const tablet = await live.linked(ann);
    const { conversationId } = await ann.conversationWith(bob.handle);
    await say(ann, conversationId, 'hello');
    await eventually(() => expect(texts(bob, conversationId)).toEqual(['hello']));
    await bob.markRead(conversationId);
    for (const device of [ann, tablet]) await eventually(() => expect(device.messages(conversationId)).toMatchObject([{ state: 'read' }]));
    await say(bob, conversationId, 'well?');
    await eventually(() => expect(texts(tablet, conversationId)).toEqual(['hello', 'well?']));
    const [, answer] = ann.messages(conversationId);
    await ann.markRead(conversationId);
    await eventually(() => expect(tablet.readUpTo(conversationId)).toBe(answer?.position));
  });

  test('is in the groups of its account, with their titles, and opens what is said there', async () => {
    const [ann, bob] = await Promise.all([person(), person()]);
    const { conversationId } = await ann.groups.create({ title: 'Friends', members: [bob.handle] });
    const tablet = await live.linked(ann);
    await eventually(() => expect(tablet.conversations()).toMatchObject([{ kind: 'group', conversationId, title: 'Friends' }]));
    await say(bob, conversationId, 'from bob');
    await eventually(() => expect(texts(tablet, conversationId)).toEqual(['from bob']));
    await say(tablet, conversationId, 'from the tablet');
    await eventually(() => expect(texts(bob, conversationId).at(-1)).toBe('from the tablet'));
    await eventually(() => expect(texts(ann, conversationId).slice(-2)).toEqual(['from bob', 'from the tablet']));
  });

  test('gets what was said before from the device that linked it, as it is there now', async () => {
    const [ann, bob] = await Promise.all([person(), person()]);
    const { conversationId } = await ann.conversationWith(bob.handle);
    const group = await ann.groups.create({ title: 'Friends', members: [bob.handle] });
    const [edited, deleted] = [await say(ann, conversationId, 'tow'), await say(ann, conversationId, 'nothing')];
    await ann.idle();
    await ann.send(conversationId, { type: 'edit', messageId: edited.messageId, text: 'two' });
    await ann.send(conversationId, { type: 'delete', messageId: deleted.messageId });
    await eventually(() => expect(texts(bob, conversationId)).toEqual(['two', '(deleted)']));
    await bob.send(conversationId, { type: 'reaction', messageId: edited.messageId, emoji: '👍' });
    await say(bob, group.conversationId, 'in the group');
    await ann.send(conversationId, { type: 'text', text: 'not for long' }, { ttlSeconds: 3_600 });
    await eventually(() => expect(texts(bob, conversationId)).toHaveLength(3));
    await eventually(() =>
      expect([texts(ann, group.conversationId).at(-1), ann.messages(conversationId)[0]?.reactions]).toMatchObject(['in the group', [{}]]),
    );
    await bob.markRead(conversationId);
    await eventually(() => expect(ann.messages(conversationId).at(-1)?.state).toBe('read'));

    const tablet = await live.linked(ann, live.directory(), { history: true });
    const counts: number[] = [];
    tablet.on('history', ({ messages }) => counts.push(messages));
    for (const id of [conversationId, group.conversationId]) {
      await eventually(() => expect(tablet.messages(id)).toEqual(ann.messages(id)), 20_000);
    }
    await say(bob, conversationId, 'afterwards');
    await eventually(() => expect(texts(tablet, conversationId)).toEqual(['two', '(deleted)', 'not for long', 'afterwards']));
    expect(tablet.readUpTo(conversationId)).toBe(ann.readUpTo(conversationId));
    expect(counts).toHaveLength(1);
  }, 60_000);

  test('gets it also when the device that linked it goes at once, and comes back later', async () => {
    const [bob, name, directory] = [await person(), live.handle(), live.directory()];
    const ann = await live.open(directory, name);
    const { conversationId } = await ann.conversationWith(bob.handle);
    await say(ann, conversationId, 'before');
    await ann.idle();
    const tablet = await live.linked(ann, live.directory(), { history: true });
    await live.close(ann);
    await live.open(directory, name);
    await eventually(() => expect(texts(tablet, conversationId)).toEqual(['before']), 20_000);
  }, 60_000);

  test('shows the digits that the other device shows, and has a name there', async () => {
    const ann = await person();
    const shown: string[] = [];
    let answered: Promise<{ readonly checkDigits: string }> | undefined;
    const tablet = await openDevice({
      ...{ server: server.publicUrl, directory: live.directory(), deviceName: 'tablet' },
      link: {
        onCode: (code) => {
          answered = ann.devices.link(code);
        },
        onCheckDigits: (digits) => shown.push(digits),
      },
    });
    expect(shown).toEqual([(await answered)?.checkDigits]);
    expect(shown[0]).toMatch(/^\d{6}$/);
    expect(await tablet.devices.list()).toMatchObject([
      { deviceId: 1, isThis: false },
      { deviceId: 2, isThis: true, name: 'tablet' },
    ]);
    await tablet.close();
  });

  test('may be the fifth, not the sixth; a removed one makes room, and its number stays taken', async () => {
    const ann = await person();
    const linked: Device[] = [];
    while (linked.length < 4) linked.push(await live.linked(ann));
    const later = new AbortController();
    const codes: string[] = [];
    const sixth = openDevice({
      ...{ server: server.publicUrl, directory: live.directory() },
      link: { onCode: (code) => codes.push(code), signal: later.signal },
    });
    await eventually(() => expect(codes).toHaveLength(1));
    await expect(ann.devices.link(codes[0] ?? '')).rejects.toMatchObject({ code: 'conflict', detail: { field: 'devices', limit: 5 } });
    await ann.devices.unlink((linked[1] as Device).deviceId);
    await ann.devices.link(codes[0] ?? '');
    const device = await sixth;
    expect(device.deviceId).toBe(6);
    expect((await ann.devices.list()).map(({ deviceId }) => deviceId)).toEqual([1, 2, 4, 5, 6]);
    await device.close();
  });

  test('ends the wait when it is told to, and goes on with the same code in its directory', async () => {
    const ann = await person();
    const directory = live.directory();
    const codes: string[] = [];
    const waiting = new AbortController();
    const first = openDevice({ server: server.publicUrl, directory, link: { onCode: (code) => codes.push(code), signal: waiting.signal } });
    await eventually(() => expect(codes).toHaveLength(1));
    waiting.abort(new Error('enough'));
    await expect(first).rejects.toThrow();
    await ann.devices.link(codes[0] ?? '');
    const device = await openDevice({ server: server.publicUrl, directory, link: { onCode: (code) => codes.push(code) } });
    expect([device.accountId, codes.length, codes[1]]).toEqual([ann.accountId, 2, codes[0]]);
    await device.close();
  });

  test('answers no code that is none, or that nobody waits behind', async () => {
    const ann = await person();
    await expect(ann.devices.link('hello')).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'code' } });
    const key = Buffer.alloc(33, 5).toString('base64url');
    await expect(ann.devices.link(`heliograph-link-1.00000000-0000-4000-8000-000000000000.${key}`)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a device that is removed', () => {
  test('is out at once, keeps what it has, and gets nothing that is said from then on', async () => {
    const [ann, bob] = await Promise.all([person(), person()]);
    const tablet = await live.linked(ann);
    const stopped: unknown[] = [];
    tablet.on('stopped', (event) => stopped.push(event));
    const { conversationId } = await bob.conversationWith(ann.handle);
    const group = await bob.groups.create({ title: 'Friends', members: [ann.handle] });
    await say(bob, conversationId, 'one');
    await say(bob, group.conversationId, 'first');
    await eventually(() => expect(texts(tablet, conversationId)).toEqual(['one']));
    await eventually(() => expect(texts(tablet, group.conversationId)).toEqual(['(event)', 'first']));
    await ann.devices.unlink(tablet.deviceId);
    await eventually(() => expect(stopped).toMatchObject([{ error: { code: 'stopped' } }]));
    await expect(tablet.devices.list()).rejects.toMatchObject({ code: 'unauthenticated' });
    await say(bob, conversationId, 'two');
    await say(bob, group.conversationId, 'second');
    await eventually(() => expect(texts(ann, conversationId)).toEqual(['one', 'two']));
    await eventually(() => expect(texts(ann, group.conversationId)).toEqual(['(event)', 'first', 'second']));
    expect([texts(tablet, conversationId), texts(tablet, group.conversationId)]).toEqual([['one'], ['(event)', 'first']]);
  });

  test('may be any of them, also the first one, and itself; the last one stays', async () => {
    const ann = await person();
    const tablet = await live.linked(ann);
    await tablet.devices.unlink(ann.deviceId);
    expect(await tablet.devices.list()).toMatchObject([{ deviceId: 2, isThis: true }]);
    await expect(tablet.devices.unlink(tablet.deviceId)).rejects.toMatchObject({ code: 'conflict' });
    await expect(tablet.devices.unlink(ann.deviceId)).rejects.toMatchObject({ code: 'not_found' });
  });
});
