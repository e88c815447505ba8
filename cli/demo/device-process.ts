/** A device of the demo, in a process of its own: `node device-process.js SERVER DIRECTORY HANDLE`, asked over IPC. */
import { setTimeout as sleep } from 'node:timers/promises';

import { openDevice, type ConversationId, type Device, type Message } from '../../sdk/index.js';
import type { DeviceAnswers, DeviceCalls, DeviceReply, DeviceRequest, SeenMessage } from './device-calls.js';

const [server = '', directory = '', handle = ''] = process.argv.slice(2);
const pageSize = 100;

const device = await openDevice({ server, directory, handle, reconnect: { baseMs: 100, capMs: 1_000, spreadMs: 1_000 } });
let conversationId: ConversationId | undefined;

const handlers: { readonly [Name in keyof DeviceCalls]: (input: DeviceCalls[Name]) => Promise<DeviceAnswers[Name]> } = {
  meet: async ({ with: peer }) => {
    ({ conversationId } = await device.conversationWith(peer));
    return null;
  },
  send: async ({ texts, pauseMs }) => {
    const ids: string[] = [];
    for (const text of texts) {
      ids.push((await device.send(conversation(), { type: 'text', text })).messageId);
      await sleep(pauseMs);
    }
    return ids;
  },
  idle: async () => {
    await device.idle();
    return null;
  },
  markRead: async () => {
    await device.markRead(conversation());
    return null;
  },
  counts: () => {
    const messages = device.messages(conversation());
    const count = (...states: string[]) => messages.filter(({ state }) => state !== undefined && states.includes(state)).length;
    return Promise.resolve({
      received: messages.filter(({ state }) => state === undefined).length,
      delivered: count('delivered', 'read'),
      read: count('read'),
      online: device.status.state === 'online',
    });
  },
  snapshot: async () => {
    const { delivered = 0, read = 0 } = device.receiptsOf(conversation());
    const messages = device.messages(conversation()).map((message) => seen(device, message));
    return { messages, history: await wholeHistory(device, conversation()), delivered, read };
  },
  close: async () => {
    await device.close();
    return null;
  },
};

process.on('message', (request: DeviceRequest) => void answer(request));
process.on('disconnect', () => process.exit(0));
device.connect();
send({ id: 0, answer: null });

async function answer({ id, call, input }: DeviceRequest): Promise<void> {
  try {
    send({ id, answer: await (handlers[call] as (input: unknown) => Promise<unknown>)(input) });
  } catch (error) {
    send({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function send(reply: DeviceReply): void {
  process.send?.(reply);
}

function conversation(): ConversationId {
  if (conversationId === undefined) throw new Error('meet somebody first');
  return conversationId;
}

async function wholeHistory(of: Device, id: ConversationId): Promise<SeenMessage[]> {
  const newestFirst: Message[] = [];
  for (
    let page = await of.history(id, { limit: pageSize });
    page.length > 0;
    page = await of.history(id, { limit: pageSize, before: page.at(-1)?.position })
  ) {
    newestFirst.push(...page);
  }
  return newestFirst.reverse().map((message) => seen(of, message));
}

function seen({ accountId }: Device, { messageId, position, content, sender, state }: Message): SeenMessage {
  return { messageId, position, text: content.type === 'text' ? content.text : `[${content.type}]`, mine: sender.accountId === accountId, state };
}
