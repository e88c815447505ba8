import { decodeEvent } from '../../protocol/conversation-event.js';
import type { ConversationId, DeviceAddress, Position } from '../../protocol/ids.js';
import type { HistoryPage } from '../../protocol/rest/conversation.js';
import { decodeContent, type Said } from '../encryption/content.js';
import { keepContent, type Accepted, type MessagePlace } from '../messages/keep-content.js';
import type { Message, ShownContent } from '../messages/message.js';
import { contentKeyTable, processedTable, untoldTable } from '../messages/message-tables.js';
import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { changeChannelRow, channelRowOf, hasPresentKey } from './channel-rows.js';
import { channelKeyTable, signerTable } from './channel-tables.js';
import { openPost, readPost } from './post-seal.js';
import type { Signers } from './signers.js';

type PulledItem = HistoryPage['items'][number];

/** A part of a channel's order, oldest first. */
export interface PulledPage {
  readonly conversationId: ConversationId;
  readonly items: readonly PulledItem[];
  /** Everything up to it is in `items`, or was here before. */
  readonly upTo: Position;
  readonly signers: Signers;
}

export interface ReceivedPosts {
  readonly messages: readonly (Message & MessagePlace)[];
  readonly changes: readonly MessagePlace[];
  readonly undecryptable: readonly { readonly message: Message; readonly reason: string }[];
  /** Who wrote the first post whose key is not here: it and what follows waits. */
  readonly waitsFor?: DeviceAddress | undefined;
}

type Collected = { -readonly [Name in keyof ReceivedPosts]: ReceivedPosts[Name] extends readonly (infer Item)[] ? Item[] : ReceivedPosts[Name] };

/**
 * Stores what was pulled, and how far this device is in the channel, in one transaction: killed in the middle, it pulls again and keeps nothing twice.
 * At a post whose key is still to come it stops, so that nothing is skipped or overtaken. For the device's serial queue.
 */
export async function receivePosts(store: DeviceStore, own: DeviceAddress, page: PulledPage, nowMs: number): Promise<ReceivedPosts> {
  const { conversationId, items, upTo, signers } = page;
  const unit = store.begin();
  const collected: Collected = { messages: [], changes: [], undecryptable: [], waitsFor: undefined };
  let pulledTo = upTo;
  for (const item of items) {
    if (isKnown(unit, own, item)) continue;
    if (waitsForKey(unit, item)) {
      pulledTo = item.position - 1;
      collected.waitsFor = item.sender;
      break;
    }
    receiveOne(unit, item, { signers, nowMs, collected });
    unit.put(processedTable, [item.messageId], item.position);
  }
  for (const [accountId, key] of signers) if (accountId !== own.accountId) unit.put(signerTable, [accountId], key);
  changeChannelRow(unit, conversationId, { pulledTo, waitsForKey: collected.waitsFor !== undefined });
  await unit.commit();
  return collected;
}

/** What this device posted is kept when the server's answer to that comes. */
function isKnown(unit: UnitOfWork, { accountId, deviceId }: DeviceAddress, { messageId, sender, kind }: PulledItem): boolean {
  const isOwn = kind === 'message' && sender.accountId === accountId && sender.deviceId === deviceId;
  return isOwn || unit.get(processedTable, messageId) !== undefined;
}

/** Whether its key is not here, and may still come: with the newest key all are here that anybody has. */
function waitsForKey(unit: UnitOfWork, item: PulledItem): boolean {
  const row = channelRowOf(unit, item.conversationId);
  return lacksKey(unit, item) && (row === undefined || !hasPresentKey(row));
}

export function lacksKey(rows: Pick<UnitOfWork, 'get'>, { conversationId, kind, body }: PulledItem): boolean {
  const epoch = kind === 'message' ? epochOf(body) : undefined;
  return epoch !== undefined && rows.get(channelKeyTable, conversationId, epoch) === undefined;
}

function epochOf(body: Uint8Array | undefined): number | undefined {
  try {
    return readPost(body).epoch;
  } catch (error) {
    if (error instanceof SdkError) return undefined;
    throw error;
  }
}

interface Receiving {
  readonly signers: Signers;
  readonly nowMs: number;
  readonly collected: Collected;
}

function receiveOne(unit: UnitOfWork, item: PulledItem, { signers, nowMs, collected }: Receiving): void {
  const opened = item.kind === 'event' ? takeEvent(unit, item) : openedOrWhyNot(unit, item, signers);
  const accepted: Accepted = { ...item, ...opened.said };
  const { added, changed } = keepContent(unit, accepted, nowMs);
  if (changed !== undefined) collected.changes.push(changed);
  if (added === undefined) return;
  unit.put(untoldTable, [added.conversationId, added.position], true);
  collected.messages.push(added);
  if (opened.reason !== undefined) collected.undecryptable.push({ message: added, reason: opened.reason });
}

interface Opened {
  readonly said: Said<Accepted['content']>;
  readonly reason?: string;
}

function openedOrWhyNot(unit: UnitOfWork, item: PulledItem, signers: Signers): Opened {
  try {
    const { contentKey, said } = openItem(unit, item, signers);
    unit.put(contentKeyTable, [item.messageId], { ...contentKey, conversationId: item.conversationId, author: item.sender.accountId });
    return { said };
  } catch (error) {
    if (!(error instanceof SdkError)) throw error;
    return { said: { content: { type: 'undecryptable' }, ttlSeconds: item.ttlSeconds }, reason: error.message };
  }
}

/** Throws SdkError `undecryptable`. */
export function openItem(rows: Pick<UnitOfWork, 'get'>, { conversationId, messageId, sender, body }: PulledItem, signers: Signers) {
  const post = readPost(body);
  const key = rows.get(channelKeyTable, conversationId, post.epoch);
  const signer = signers.get(sender.accountId);
  if (key === undefined) throw new SdkError('undecryptable', 'the key of its time is not here');
  if (signer === undefined) throw new SdkError('undecryptable', 'the account that posted it is gone');
  const { contentKey, content } = openPost({ conversationId, messageId, sender }, post, key, signer);
  return { contentKey, said: decodeContent(content) };
}

function takeEvent(unit: UnitOfWork, { conversationId, body }: PulledItem): Opened {
  const event = decodeEvent(body);
  const content: ShownContent = event === undefined ? { type: 'unsupported' } : { type: 'event', event };
  const row = channelRowOf(unit, conversationId);
  if (event?.type === 'title-changed' && event.version > (row?.version ?? 0))
    changeChannelRow(unit, conversationId, { title: event.title, version: event.version });
  return { said: { content } };
}
