import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { type ConversationId, type Device, type GroupConversation, type Message } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterEach(() => live.end());

async function person(): Promise<{ readonly device: Device; readonly directory: string }> {
  const directory = live.directory();
  return { device: await live.open(directory, live.handle()), directory };
}

async function crowd<Count extends number>(count: Count): Promise<Device[] & { readonly length: Count }> {
  const made = await Promise.all(Array.from({ length: count }, person));
  return made.map(({ device }) => device) as Device[] & { readonly length: Count };
}

const say = (device: Device, { conversationId }: { readonly conversationId: ConversationId }, text: string) =>
  device.send(conversationId, { type: 'text', text });

/** Texts as they are; of everything else what it is. */
function seen(device: Device, { conversationId }: { readonly conversationId: ConversationId }): readonly string[] {
  return device.messages(conversationId).map(({ content }) => {
    if (content.type === 'text') return content.text;
    return content.type === 'event' ? `(${content.event.type})` : `(${content.type})`;
  });
}

function groupOf(device: Device, { conversationId }: { readonly conversationId: ConversationId }): GroupConversation {
  const found = device.conversations().find((conversation) => conversation.conversationId === conversationId);
  if (found?.kind !== 'group') throw new Error('the device does not know the group');
  return found;
}

describe('a group of devices of the SDK', () => {
  test('talks: everybody sees title, members and messages in one order', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle, cleo.handle] });
    await say(ann, group, 'one');
    await eventually(() => {
      expect([bea, cleo].map((device) => seen(device, group))).toEqual([
        ['(created)', 'one'],
        ['(created)', 'one'],
      ]);
    });
    await say(bea, group, 'two');
    await eventually(() => expect(seen(cleo, group)).toHaveLength(3));
    await say(cleo, group, 'three');
    for (let count = 0; count < 10; count += 1) await Promise.all([ann, bea, cleo].map((device) => say(device, group, `${device.handle} ${count}`)));
    await eventually(() => {
      expect(seen(ann, group)).toHaveLength(34);
      expect(seen(bea, group)).toEqual(seen(ann, group));
      expect(seen(cleo, group)).toEqual(seen(ann, group));
    });
    for (const device of [ann, bea, cleo]) {
      expect(groupOf(device, group).title).toBe('Friends');
      expect(
        groupOf(device, group)
          .members.map(({ accountId, role }) => `${accountId} ${role}`)
          .sort(),
      ).toEqual([`${ann.accountId} owner`, `${bea.accountId} member`, `${cleo.accountId} member`].sort());
    }
    expect(await bea.handleOf(cleo.accountId)).toBe(cleo.handle);
    // What is delivered is in the log, and in history a moment later.
    const texts = await eventually(async () => {
      const messages = await cleo.history(group.conversationId, { limit: 100 });
      expect(messages).toHaveLength(34);
      return messages.map(({ content }) => (content.type === 'text' ? content.text : content.type));
    });
    expect(texts).not.toContain('undecryptable');
  });

  test('counts a message as delivered, and as read, when everybody else has it', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const cleo = await person();
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle, cleo.device.handle] });
    await eventually(() => expect(seen(cleo.device, group)).toEqual(['(created)']));
    await live.close(cleo.device);
    const { messageId } = await say(ann, group, 'hello');
    const state = () => ann.messages(group.conversationId).find((message) => message.messageId === messageId)?.state;
    await eventually(() => expect(ann.receiptsByMember(group.conversationId).get(bea.accountId)?.delivered).toBeGreaterThan(0));
    expect(state()).toBe('accepted');
    const back = await live.open(cleo.directory);
    await eventually(() => expect(state()).toBe('delivered'));
    await bea.markRead(group.conversationId);
    await bea.idle();
    expect(state()).toBe('delivered');
    await back.markRead(group.conversationId);
    await eventually(() => expect(state()).toBe('read'));
    expect(seen(back, group)).toEqual(['(created)', 'hello']);
  });

  test('lets somebody new read from then on, and whoever was removed no more', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle] });
    await say(ann, group, 'before');
    await eventually(() => expect(seen(bea, group)).toContain('before'));
    await say(bea, group, 'before too');
    await eventually(() => expect(seen(ann, group)).toContain('before too'));
    await ann.groups.add(group.conversationId, [cleo.handle]);
    await eventually(() => expect(groupOf(cleo, group).title).toBe('Friends'));
    await Promise.all([say(ann, group, 'with cleo'), say(bea, group, 'with cleo too')]);
    await eventually(() => expect(seen(cleo, group).slice().sort()).toEqual(['(members-added)', 'with cleo', 'with cleo too']));
    expect(groupOf(cleo, group).members).toHaveLength(3);
    await ann.groups.remove(group.conversationId, cleo.accountId);
    await eventually(() => expect(seen(cleo, group)).toContain('(member-removed)'));
    await Promise.all([say(ann, group, 'without cleo'), say(bea, group, 'without cleo too')]);
    await eventually(() => {
      expect(seen(ann, group).slice(-2).sort()).toEqual(['without cleo', 'without cleo too']);
      expect(seen(bea, group)).toEqual(seen(ann, group));
    });
    expect(seen(cleo, group).filter((text) => text.startsWith('without'))).toEqual([]);
    const refused = await say(cleo, group, 'may I?');
    await eventually(() => {
      const mine = cleo.messages(group.conversationId).find(({ messageId }) => messageId === refused.messageId);
      expect(mine).toMatchObject({ state: 'failed', failure: 'not_a_member' } satisfies Partial<Message>);
    });
  });

  test('keeps the ticks of what somebody said who was added, went and came again', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle] });
    await ann.groups.add(group.conversationId, [cleo.handle]);
    await eventually(() => expect(groupOf(cleo, group).members).toHaveLength(3));
    await say(cleo, group, 'hello');
    const state = () => cleo.messages(group.conversationId).find(({ content }) => content.type === 'text')?.state;
    await eventually(() => expect(state()).toBe('delivered'));
    await ann.groups.remove(group.conversationId, cleo.accountId);
    await eventually(() => expect(seen(cleo, group)).toContain('(member-removed)'));
    await ann.groups.add(group.conversationId, [cleo.handle]);
    await eventually(() => expect(seen(cleo, group)).toEqual(['(members-added)', 'hello', '(member-removed)', '(members-added)']));
    await eventually(() => expect(groupOf(cleo, group).members).toHaveLength(3));
    expect(state()).toBe('delivered');
  });

  test('lets somebody delete who became an admin while one was not there', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle, cleo.handle] });
    await eventually(() => expect(seen(cleo, group)).toEqual(['(created)']));
    await ann.groups.remove(group.conversationId, cleo.accountId);
    await ann.groups.setRole(group.conversationId, bea.accountId, 'admin');
    await ann.groups.add(group.conversationId, [cleo.handle]);
    await eventually(() => expect(seen(cleo, group)).toEqual(['(created)', '(member-removed)', '(members-added)']));
    const { messageId } = await say(ann, group, 'hello');
    await eventually(() => expect(seen(cleo, group).at(-1)).toBe('hello'));
    await eventually(() => expect(seen(bea, group).at(-1)).toBe('hello'));
    await bea.send(group.conversationId, { type: 'delete', messageId });
    await eventually(() => expect(seen(cleo, group).at(-1)).toBe('(deleted)'));
  });

  test('keeps the ticks of what was said before somebody new came, who will not get it', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle] });
    await say(ann, group, 'before');
    await eventually(() => expect(seen(bea, group)).toContain('before'));
    await bea.markRead(group.conversationId);
    const states = () => ann.messages(group.conversationId).map(({ state }) => state);
    await eventually(() => expect(states()).toEqual(['read', 'read']));
    const read = ann.receiptsOf(group.conversationId);
    await ann.groups.add(group.conversationId, [cleo.handle]);
    await eventually(() => expect(seen(ann, group)).toEqual(['(created)', 'before', '(members-added)']));
    expect(states().slice(0, 2)).toEqual(['read', 'read']);
    expect(ann.receiptsOf(group.conversationId).read).toBe(read.read);
    await cleo.markRead(group.conversationId);
    await bea.markRead(group.conversationId);
    await eventually(() => expect(states().slice(0, 2)).toEqual(['read', 'read']));
  });

  test('keeps them for somebody who was away from the group when others came', async () => {
    const [ann, bea, cleo] = (await crowd(3)) as [Device, Device, Device];
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle] });
    await say(bea, group, 'before');
    const state = () => bea.messages(group.conversationId).find(({ content }) => content.type === 'text')?.state;
    await eventually(() => expect(state()).toBe('delivered'));
    await ann.groups.remove(group.conversationId, bea.accountId);
    await ann.groups.add(group.conversationId, [cleo.handle]);
    await ann.groups.add(group.conversationId, [bea.handle]);
    await eventually(() => expect(groupOf(bea, group).members).toHaveLength(3));
    expect(state()).toBe('delivered');
  });

  test('tells a device that was linked while its account was out of the group how far the account had read, when it is in again', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle] });
    await say(ann, group, 'before');
    await eventually(() => expect(seen(bea, group)).toContain('before'));
    await bea.markRead(group.conversationId);
    await bea.idle();
    await ann.groups.remove(group.conversationId, bea.accountId);
    const tablet = await live.linked(bea);
    expect(tablet.readUpTo(group.conversationId)).toBeUndefined();
    await ann.groups.add(group.conversationId, [bea.handle]);
    await eventually(() => expect(tablet.readUpTo(group.conversationId)).toBe(bea.readUpTo(group.conversationId)));
    expect(tablet.readUpTo(group.conversationId)).toBeDefined();
  });

  test('lets in whoever brings the invite, who can read title and messages', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const group = await ann.groups.create({ title: 'Open house', members: [] });
    const invite = await ann.groups.makeInvite(group.conversationId);
    expect((await bea.groups.join(invite)).title).toBe('Open house');
    await eventually(() => expect(seen(ann, group)).toEqual(['(created)', '(member-joined)']));
    await Promise.all([say(ann, group, 'welcome'), say(bea, group, 'hello')]);
    await eventually(() => {
      expect(seen(ann, group)).toHaveLength(4);
      expect(seen(bea, group)).toEqual(seen(ann, group).slice(1));
    });
    await ann.groups.setTitle(group.conversationId, 'Closed house');
    await ann.groups.endInvite(group.conversationId);
    await eventually(() => expect(groupOf(bea, group).title).toBe('Closed house'));
    const [cleo] = (await crowd(1)) as [Device];
    await expect(cleo.groups.join(invite)).rejects.toMatchObject({ code: 'not_found' });
    await expect(cleo.groups.join('nonsense')).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'invite' } });
    await ann.groups.leave(group.conversationId);
    await eventually(() => expect(groupOf(bea, group).members).toEqual([{ accountId: bea.accountId, role: 'owner' }]));
  });

  test('goes on after any of its devices was away while others came, went and wrote', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const cleo = await person();
    const dora = await person();
    const group = await ann.groups.create({ title: 'Friends', members: [bea.handle, cleo.device.handle, dora.device.handle] });
    await eventually(() => expect(seen(cleo.device, group)).toEqual(['(created)']));
    await say(cleo.device, group, 'I am off');
    await cleo.device.idle();
    await live.close(cleo.device);
    await Promise.all([say(ann, group, 'one'), say(bea, group, 'two')]);
    await Promise.all([ann.idle(), bea.idle()]);
    await ann.groups.remove(group.conversationId, dora.device.accountId);
    await eventually(() => expect(seen(bea, group)).toContain('(member-removed)'));
    await say(bea, group, 'three');
    await say(ann, group, 'four');
    await Promise.all([ann.idle(), bea.idle()]);
    const back = await live.open(cleo.directory);
    await say(back, group, 'I am back');
    await eventually(() => {
      expect(seen(ann, group).at(-1)).toBe('I am back');
      expect(seen(bea, group)).toEqual(seen(ann, group));
      expect(seen(back, group)).toEqual(seen(ann, group));
    });
    expect(seen(dora.device, group).at(-1)).toBe('(member-removed)');
    expect([ann, bea, back].flatMap((device) => seen(device, group))).not.toContain('(undecryptable)');
  });

  test('does not keep a device that was removed while away from its receipts elsewhere', async () => {
    const [ann, bea] = (await crowd(2)) as [Device, Device];
    const cleo = await person();
    const group = await ann.groups.create({ title: 'Friends', members: [cleo.device.handle] });
    const { conversationId } = await cleo.device.conversationWith(bea.handle);
    await eventually(() => expect(seen(cleo.device, group)).toEqual(['(created)']));
    await say(cleo.device, { conversationId }, 'hello');
    await eventually(() => expect(seen(bea, { conversationId })).toEqual(['hello']));
    await live.close(cleo.device);
    await ann.groups.remove(group.conversationId, cleo.device.accountId);
    await bea.markRead(conversationId);
    await bea.idle();
    const back = await live.open(cleo.directory);
    const troubles: unknown[] = [];
    back.on('notice', (notice) => troubles.push(notice));
    await eventually(() => expect(back.messages(conversationId)).toMatchObject([{ state: 'read' }]));
    await eventually(() => expect(seen(back, group)).toEqual(['(created)', '(member-removed)']));
    expect(troubles).toEqual([]);
  });
});
