import type { z } from 'zod';

import type { clientFrame } from './client-frames.js';
import type { serverFrame } from './server-frames.js';

type JsonClientFrame = z.input<typeof clientFrame>;
type JsonServerFrame = z.input<typeof serverFrame>;
type ReplyType = Extract<JsonServerFrame['type'], 'welcome' | 'accepted' | 'ok'>;

interface FrameNote<Example> {
  readonly summary: string;
  /** In JSON, valid by its schema. */
  readonly example: Example;
}

/** What a client sends. */
export interface ClientFrameNote<Example> extends FrameNote<Example> {
  /** What answers it, unless an `error` does; `undefined`: nothing. */
  readonly reply?: ReplyType | undefined;
}

const alice = '01a214f2-eaa7-7039-8f8c-513da5b2153e';
const bob = '01a214f2-eb10-72c4-9d55-0b7d1f6a3c21';
const conversationId = '9ff4a2b4-c72a-5599-ae43-d9e1cedb26b5';
const channelId = '01a21505-9a8e-8d0f-9b0c-2f4be6a1d973';
const messageId = '01a214f2-f330-741a-918b-9a5e19cd7412';
const blobId = '01a214f3-0b51-7c1e-8d3a-4f0a6f2f9d10';
const position = 281_474_976_710_656;
const atMs = 1_795_647_796_281;
const rosterDigest = '5mY1k0c1TqCkQxwPlnm0Ng';

/** What each frame of a client is for. */
export const clientFrameGuide: { readonly [Type in JsonClientFrame['type']]: ClientFrameNote<Extract<JsonClientFrame, { type: Type }>> } = {
  hello: {
    summary: 'The first frame of a connection, within `helloTimeoutMs`: which device this is.',
    reply: 'welcome',
    example: { type: 'hello', token: 'eyJ...', connection: 7, device: { name: 'phone', version: '1.0' } },
  },
  send: {
    summary:
      'A message for everybody in a conversation, or keys for devices. Without an answer send the same bytes again with `attempt` raised: the same id and content are accepted once.',
    reply: 'accepted',
    example: {
      type: 'send',
      id: 12,
      messageId,
      conversationId,
      rosterDigest,
      kind: 'message',
      body: 'c2VhbGVk',
      envelopes: [{ to: { accountId: bob, deviceId: 1, registrationId: 4711 }, type: 2, content: 'a2V5' }],
      attempt: 1,
      strategy: 'strict',
    },
  },
  ack: { summary: 'What was delivered is stored: it will not come again, and its senders are told.', example: { type: 'ack', seq: 3 } },
  read: {
    summary: 'The account read everything up to a position.',
    reply: 'ok',
    example: { type: 'read', id: 13, conversationId, position, senders: [bob] },
  },
  'receipts.get': {
    summary: 'How far everybody got in conversations: once after each `welcome`, for what was missed while away.',
    reply: 'ok',
    example: { type: 'receipts.get', id: 14, conversations: [conversationId] },
  },
  typing: {
    summary: 'The user types, or stopped. Too often, it is dropped without a word.',
    example: { type: 'typing', conversationId, state: 'started' },
  },
  watch: {
    summary: 'From now on the session is told whether these accounts are online; after the `ok` also what they are now.',
    reply: 'ok',
    example: { type: 'watch', id: 15, accounts: [bob] },
  },
  unwatch: { summary: 'The end of it.', reply: 'ok', example: { type: 'unwatch', id: 16, accounts: [bob] } },
  'channels.watch': {
    summary:
      'From now on the session is told how far these channels are, instead of those before; the `ok` tells how far they are now. An empty list ends it.',
    reply: 'ok',
    example: { type: 'channels.watch', id: 19, conversations: [channelId] },
  },
  'media.fetched': {
    summary: 'The device has a file: once every device that its message was for has it, it is deleted.',
    reply: 'ok',
    example: { type: 'media.fetched', id: 20, blobId },
  },
  token: {
    summary: 'Renews the token in place; otherwise the connection ends when it does.',
    reply: 'ok',
    example: { type: 'token', id: 17, token: 'eyJ...' },
  },
  ping: { summary: 'Asks for a sign of life.', reply: 'ok', example: { type: 'ping', id: 18 } },
};

/** What each frame of the server says. */
export const serverFrameGuide: { readonly [Type in JsonServerFrame['type']]: FrameNote<Extract<JsonServerFrame, { type: Type }>> } = {
  welcome: {
    summary: 'The session is open.',
    example: {
      type: 'welcome',
      accountId: alice,
      deviceId: 1,
      sessionEpoch: 7,
      gatewayId: 'gateway-1',
      heartbeatMs: 25_000,
      limits: { maxBodyBytes: 65_536 },
      inbox: 'empty',
      serverTimeMs: atMs,
    },
  },
  deliver: {
    summary: 'Items in the order of their conversation. Store them, then `ack`; drop what has a `messageId` that is stored already.',
    example: {
      type: 'deliver',
      seq: 3,
      items: [
        {
          conversationId,
          position,
          messageId,
          kind: 'message',
          sender: { accountId: bob, deviceId: 1 },
          acceptedAtMs: atMs,
          body: 'c2VhbGVk',
          envelope: { type: 2, content: 'a2V5' },
        },
      ],
    },
  },
  'inbox.empty': { summary: 'What was queued before this session was delivered and acked.', example: { type: 'inbox.empty', drained: 12 } },
  gap: {
    summary:
      'Something that the device should have got and does not get. `expired`: it never will; without a conversation: it was away for longer than inboxes keep what waits. `quarantined`: it did not ack it, alone, on two connections; told at every connect until an operator lets it go again.',
    example: { type: 'gap', conversationId, reason: 'expired', from: position, to: position + 4 },
  },
  receipts: {
    summary: 'Everything in the conversation up to the position is on the device, or was read by the account. Positions only rise.',
    example: { type: 'receipts', items: [{ conversationId, accountId: bob, deviceId: 1, deliveredPosition: position }] },
  },
  typing: {
    summary: 'Somebody types, or stopped. `started` holds for 10 s unless it comes again.',
    example: { type: 'typing', conversationId, accountId: bob, state: 'started' },
  },
  presence: {
    summary: 'Of an account that is watched: when it changes, and after `watch`.',
    example: { type: 'presence', accountId: bob, online: false, lastSeenMs: atMs },
  },
  'channel.head': {
    summary:
      'How far a channel that is watched is: everything up to the position is in its history. At most 5 a second for each channel; one may be lost.',
    example: { type: 'channel.head', conversationId: channelId, position },
  },
  'channel.left': {
    summary: 'The account went from a channel that was watched, by its own will or not. A hint: it may be lost, or the account be back.',
    example: { type: 'channel.left', conversationId: channelId },
  },
  accepted: {
    summary: 'The message is durable (✓) and has its place in the order.',
    example: { type: 'accepted', id: 12, messageId, position, acceptedAtMs: atMs },
  },
  ok: { summary: 'The request was done; `items` answers `receipts.get`, `heads` `channels.watch`.', example: { type: 'ok', id: 13 } },
  'prekeys.low': {
    summary: "What is left of the device's one-time prekeys: time to upload more.",
    example: { type: 'prekeys.low', ecRemaining: 19, kemRemaining: 42 },
  },
  reconnect: {
    summary: 'The socket closes next: come back after `afterMs`.',
    example: { type: 'reconnect', afterMs: 1_500, reason: 'overloaded', ticket: 'mjx2k9q8.3mCkQ0mYd1Jx5n1o8o7b2A' },
  },
  error: {
    summary: 'A request was refused; without `id`, a frame that is no valid request, or the connection.',
    example: { type: 'error', id: 12, code: 'rate_limited', message: 'too many sends of this device', retryAfterMs: 250 },
  },
};
