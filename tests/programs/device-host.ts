/** A process in which devices of a scenario live, until it is killed: `device-host SERVER`, asked over IPC. */
import {
  openDevice,
  SdkError,
  DomainError,
  type ChannelConversation,
  type Content,
  type ConversationId,
  type Device,
  type Message,
  type MessageId,
} from '../../sdk/index.js';
import { isChannelId } from '../../protocol/ids.js';
import type { ChangeCall, HostAnswers, HostCalls, HostEvent, HostReply, HostRequest } from '../support/scenario/host-calls.js';
import type { Name, Wish } from '../support/scenario/script.js';

type Channels = Device['channels'];

const [server = ''] = process.argv.slice(2);
const reconnect = { baseMs: 50, capMs: 500, spreadMs: 300 };
const emojis = ['👍', '❤️', '😀', ''] as const;
const devices = new Map<Name, Device>();

const handlers: { readonly [Call in keyof HostCalls]: (input: HostCalls[Call]) => Promise<HostAnswers[Call]> } = {
  open: async ({ device: name, directory, handle, link }) => {
    const openedAtMs = Date.now();
    const onCode = (code: string) => void tell({ device: name, event: 'code', code });
    const options = link === true ? { link: { onCode, history: false } } : { handle };
    const device = await openDevice({ server, directory, reconnect, deviceName: name, ...options });
    devices.set(name, device);
    const conversations = device.conversations().map(({ conversationId }) => conversationId);
    const held = conversations.map((id) => [id, device.messages(id).map(({ messageId }) => messageId)] as const);
    listen(name, device, openedAtMs);
    device.connect();
    return { accountId: device.accountId, deviceId: device.deviceId, openedAtMs, held };
  },
  close: async ({ device }) => {
    await deviceOf(device).close();
    devices.delete(device);
    return null;
  },
  meet: async ({ device, handle }) => (await deviceOf(device).conversationWith(handle)).conversationId,
  foundChannel: async ({ device, title }) => (await deviceOf(device).channels.create({ title })).conversationId,
  invite: ({ device, conversationId }) => deviceOf(device).channels.makeInvite(conversationId),
  join: async ({ device, invite }) => {
    await deviceOf(device).channels.join(invite);
    return null;
  },
  catchUp: async ({ device: name, conversationId }) => {
    const device = deviceOf(name);
    // A channel that it does not know yet it does not watch.
    if (channelOf(device, conversationId)?.role === undefined) return false;
    const { role, waitsForKey } = await device.channels.refresh(conversationId);
    return role !== undefined && !waitsForKey;
  },
  found: async ({ device, ...group }) => (await deviceOf(device).groups.create(group)).conversationId,
  say: async ({ device: name, conversationId, wish, text, pick, ttlSeconds }) => {
    const device = deviceOf(name);
    const content = contentFor(device, conversationId, { wish, text, pick });
    try {
      const sent = await device.send(conversationId, content, content.type === 'text' && ttlSeconds !== undefined ? { ttlSeconds } : {});
      return { content, messageId: 'messageId' in content ? undefined : sent.messageId, ttlSeconds: sent.ttlSeconds };
    } catch (error) {
      const isSilent = error instanceof DomainError && error.code === 'forbidden' && isChannelId(conversationId);
      if (isSilent || (error instanceof DomainError && error.code === 'not_found')) return null;
      throw error;
    }
  },
  rule: async ({ device, conversationId, seconds }) => {
    const content: Content = { type: 'disappearing', ...(seconds === undefined ? {} : { seconds }) };
    try {
      return { content, messageId: (await deviceOf(device).send(conversationId, content)).messageId };
    } catch (error) {
      if (error instanceof DomainError && error.code === 'forbidden' && isChannelId(conversationId)) return null;
      throw error;
    }
  },
  read: async ({ device, conversationId }) => {
    await deviceOf(device).markRead(conversationId);
    return deviceOf(device).readUpTo(conversationId) ?? null;
  },
  change: async ({ device, conversationId, call }) => {
    const { groups, channels } = deviceOf(device);
    if (isChannelId(conversationId)) return changeChannel(channels, conversationId, call);
    switch (call.type) {
      case 'add':
        await groups.add(conversationId, [call.handle]);
        return null;
      case 'remove':
        await groups.remove(conversationId, call.accountId);
        return null;
      case 'leave':
        await groups.leave(conversationId);
        return null;
      case 'role':
        await groups.setRole(conversationId, call.accountId, call.role);
        return null;
    }
  },
  link: async ({ device, code }) => {
    await deviceOf(device).devices.link(code);
    return null;
  },
  unlink: async ({ device, deviceId }) => {
    await deviceOf(device).devices.unlink(deviceId);
    return null;
  },
  idle: async ({ device }) => {
    await deviceOf(device).idle();
    return null;
  },
  has: ({ device, conversationId, messageId }) => Promise.resolve(deviceOf(device).message(conversationId, messageId)?.position !== undefined),
  snapshot: ({ device: name, conversations }) => {
    const device = deviceOf(name);
    return Promise.resolve(
      conversations.map((conversationId) => ({
        conversationId,
        messages: device.messages(conversationId),
        readUpTo: device.readUpTo(conversationId),
        gaps: device.gaps(conversationId),
      })),
    );
  },
};

process.on('message', (request: HostRequest) => void answer(request));
process.on('disconnect', () => process.exit(0));

async function answer({ id, call, input }: HostRequest): Promise<void> {
  try {
    await post({ id, answer: await (handlers[call] as (input: unknown) => Promise<unknown>)(input) });
  } catch (error) {
    const code = error instanceof SdkError || error instanceof DomainError ? error.code : 'unexpected';
    await post({ id, failure: { code, message: error instanceof Error ? (error.stack ?? error.message) : String(error) } });
  }
}

/** Resolves when the other side will read it, even if this process is killed now. */
function post(reply: HostReply): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(reply, undefined, undefined, () => {
      resolve();
    });
  });
}

type Untimed<Event> = Event extends unknown ? Omit<Event, 'atMs'> : never;

function tell(event: Untimed<HostEvent>): Promise<void> {
  return post({ ...event, atMs: Date.now() });
}

function deviceOf(name: Name): Device {
  const device = devices.get(name);
  if (device === undefined) throw new Error(`${name} is not open here`);
  return device;
}

function listen(name: Name, device: Device, openedAtMs: number): void {
  device.on('message', ({ conversation: _conversation, ...message }) => tell({ device: name, event: 'told', openedAtMs, message }));
  device.on('receipts', ({ conversationId }) => {
    void tell({ device: name, event: 'receipts', conversationId, members: [...device.receiptsByMember(conversationId)] });
  });
  device.on('notice', (notice) => {
    const text = 'error' in notice && notice.error instanceof Error ? String(notice.error) : JSON.stringify(notice);
    void tell({ device: name, event: 'notice', kind: notice.kind, text });
  });
  device.on('stopped', ({ error }) => void tell({ device: name, event: 'notice', kind: 'stopped', text: String(error) }));
}

async function changeChannel(channels: Channels, conversationId: ConversationId, call: ChangeCall): Promise<null> {
  switch (call.type) {
    case 'add':
      throw new Error('nobody is added to a channel');
    case 'remove':
      await channels.remove(conversationId, call.accountId);
      return null;
    case 'leave':
      await channels.leave(conversationId);
      return null;
    case 'role':
      await channels.setRole(conversationId, call.accountId, call.role);
      return null;
  }
}

function channelOf(device: Device, conversationId: ConversationId): ChannelConversation | undefined {
  const conversation = device.conversations().find((of) => of.conversationId === conversationId);
  return conversation?.kind === 'channel' ? conversation : undefined;
}

interface Intent {
  readonly wish: Wish;
  readonly text: string;
  readonly pick: number;
}

/** What fits to the messages that the device shows now: a text if nothing else does. */
function contentFor(device: Device, conversationId: ConversationId, { wish, text, pick }: Intent): Content {
  const texts = device.messages(conversationId).filter(({ content, state }) => content.type === 'text' && state !== 'failed');
  const fitting = wish === 'text' ? [] : texts.filter((message) => mayDo(device, message, wish));
  const target = fitting[Math.floor(pick * fitting.length)];
  if (target === undefined) return { type: 'text', text };
  return contentAbout(target.messageId, { wish, text, pick });
}

function mayDo(device: Device, { conversationId, sender }: Message, wish: Wish): boolean {
  const isOwn = sender.accountId === device.accountId;
  if (wish === 'edit') return isOwn;
  if (wish !== 'delete') return true;
  const conversation = device.conversations().find((of) => of.conversationId === conversationId);
  const member = conversation?.kind === 'group' ? conversation.members.find(({ accountId }) => accountId === device.accountId) : undefined;
  const role = conversation?.kind === 'channel' ? conversation.role : member?.role;
  return isOwn || role === 'owner' || role === 'admin';
}

function contentAbout(messageId: MessageId, { wish, text, pick }: Intent): Content {
  switch (wish) {
    case 'text':
    case 'reply':
      return { type: 'text', text, replyTo: messageId };
    case 'edit':
      return { type: 'edit', messageId, text };
    case 'delete':
      return { type: 'delete', messageId };
    case 'reaction':
      return { type: 'reaction', messageId, emoji: emojis[Math.floor(pick * 997) % emojis.length] ?? '' };
  }
}
