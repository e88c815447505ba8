import { decodeEvent } from '../../protocol/conversation-event.js';
import { deviceKey, directConversationId, isChannelId, isGroupId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { openBody, readEnvelope } from '../encryption/body-seal.js';
import { decodeContent, type Said } from '../encryption/content.js';
import { decryptFromGroup, isForGroup } from '../encryption/sender-keys.js';
import { archiveSession, decryptFrom, type Opened } from '../encryption/sessions.js';
import { signalFailureOf, type SignalFailure } from '../encryption/signal-errors.js';
import { unknownGroup, withChange } from '../groups/group-changes.js';
import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { askContentKey, takeWanted } from './content-keys.js';
import { keepContent, type Accepted, type MessagePlace } from './keep-content.js';
import type { Message, ShownContent } from './message.js';
import { answeredTable, contentKeyTable, conversationTable, foundedTable, healedTable, processedTable, untoldTable } from './message-tables.js';
import { putKeys } from './outbox-rows.js';
import { takeNote } from './take-note.js';

export interface Received {
  /** New ones, in the order of their arrival. */
  readonly messages: readonly (Message & MessagePlace)[];
  /** Messages that were here, to which something was done. */
  readonly changes: readonly MessagePlace[];
  /** Devices whose account came with another identity key than before. */
  readonly identityChanged: readonly DeviceAddress[];
  /** Messages that did not open, and why. */
  readonly undecryptable: readonly { readonly message: Message; readonly reason: string }[];
  /** Key exchanges of ours that somebody used. */
  readonly exchanges: number;
  /** Something waits in the outbox now. */
  readonly answers: boolean;
  /** Keys came for messages whose bodies are to be fetched. */
  readonly keys: boolean;
  /** Another device of the account wants what was said before, or has it. */
  readonly history: boolean;
  /** Channels of which a key came. */
  readonly keysCame: readonly ConversationId[];
}

interface Collected extends Received {
  readonly messages: (Message & MessagePlace)[];
  readonly changes: MessagePlace[];
  readonly identityChanged: DeviceAddress[];
  readonly undecryptable: { message: Message; reason: string }[];
  readonly keysCame: ConversationId[];
  exchanges: number;
  answers: boolean;
  keys: boolean;
  history: boolean;
}

type KeptContent = Said<Accepted['content']>;

interface Receiving {
  readonly own: DeviceAddress;
  readonly nowMs: number;
  readonly collected: Collected;
}

const healEveryMs = 3_600_000;
/** A new session helps against these. A message that was not seen before and still counts as a duplicate comes from a session that fell back. */
const healable: readonly SignalFailure[] = ['no_session', 'unknown_prekey', 'invalid_message', 'duplicate'];

/**
 * Stores what was delivered: sessions, used prekeys, content keys, messages and `processed` in one transaction, which a kill cannot take back when it resolves; then it may be acked.
 * What was received before is passed over without opening it. What does not open is kept as such and told, never dropped. For the device's serial queue.
 * Throws what a store throws: nothing was kept then, and nothing may be acked.
 */
export async function receive(store: DeviceStore, own: DeviceAddress, items: readonly DeliverItem[], nowMs: number): Promise<Received> {
  const unit = store.begin();
  const collected: Collected = {
    ...{ messages: [], changes: [], identityChanged: [], undecryptable: [], keysCame: [] },
    ...{ exchanges: 0, answers: false, keys: false, history: false },
  };
  for (const item of items) {
    if (unit.get(processedTable, item.messageId) !== undefined) continue;
    await receiveOne(unit, item, { own, nowMs, collected });
    unit.put(processedTable, [item.messageId], item.position);
  }
  await unit.commit();
  return collected;
}

async function receiveOne(unit: UnitOfWork, item: DeliverItem, receiving: Receiving): Promise<void> {
  const { own, collected } = receiving;
  switch (item.kind) {
    case 'event': {
      const content = takeEvent(unit, item, own);
      if (content !== undefined) keep(unit, { ...item, content }, receiving);
      return;
    }
    case 'envelopes.wanted':
      if (takeWanted(unit, own, item)) collected.answers = true;
      return;
    case 'message':
    case 'keys':
      await receiveSealed(unit, item, receiving);
  }
}

async function receiveSealed(unit: UnitOfWork, item: DeliverItem, receiving: Receiving): Promise<void> {
  const { conversationId } = item;
  const { collected, own } = receiving;
  if (unit.get(conversationTable, conversationId) === undefined) meet(unit, item, own);
  // Sessions that a failure half advanced are forgotten with the part.
  const part = unit.part();
  let said: KeptContent | undefined;
  let reason: string | undefined;
  try {
    said = await open(part, item, receiving);
    await part.commit();
  } catch (error) {
    reason = reasonOf(error);
    said = { content: { type: 'undecryptable' }, ttlSeconds: item.ttlSeconds };
    if (mend(unit, item, { error, nowMs: receiving.nowMs })) collected.answers = true;
  }
  // Keys that do not open are no message that somebody wrote.
  if (said === undefined || item.kind === 'keys') return;
  const message = keep(unit, { ...item, ...said }, receiving);
  if (message !== undefined && reason !== undefined) collected.undecryptable.push({ message, reason });
}

/** The first of a conversation. A device that was just linked hears from its account's groups before it knows them. */
function meet(unit: UnitOfWork, item: DeliverItem, own: DeviceAddress): void {
  const { conversationId, sender } = item;
  if (isBetween(item, own)) unit.put(conversationTable, [conversationId], { peer: sender.accountId });
  else if (isGroupId(conversationId)) unit.put(conversationTable, [conversationId], unknownGroup);
}

/** Answers the message that is new by it. */
function keep(unit: UnitOfWork, accepted: Accepted, { nowMs, collected }: Receiving): Message | undefined {
  const { added, changed } = keepContent(unit, accepted, nowMs);
  if (changed !== undefined) collected.changes.push(changed);
  if (added === undefined) return undefined;
  unit.put(untoldTable, [added.conversationId, added.position], true);
  collected.messages.push(added);
  return added;
}

/** Only groups have events; the server cannot make one of a direct conversation. `undefined`: of a newer version, or of no group. */
function takeEvent(unit: UnitOfWork, { conversationId, position, sender, body }: DeliverItem, own: DeviceAddress): ShownContent | undefined {
  const event = decodeEvent(body);
  const row = unit.get(conversationTable, conversationId) ?? unknownGroup;
  if (event === undefined || row.kind !== 'group' || !isGroupId(conversationId)) return undefined;
  const groupKey = row.groupKey ?? unit.get(foundedTable, conversationId);
  unit.put(conversationTable, [conversationId], { ...withChange(row, { event, by: sender.accountId, position }, own.accountId), groupKey });
  return { type: 'event', event };
}

/** `undefined`: nobody said anything. */
async function open(part: UnitOfWork, item: DeliverItem, receiving: Receiving): Promise<KeptContent | undefined> {
  const { own, nowMs, collected } = receiving;
  const { conversationId, messageId, sender, kind, body } = item;
  const { plaintext, exchange, identityChanged } = await decrypt(part, item, own);
  let said: KeptContent | undefined;
  if (kind === 'keys') {
    const taken = await takeNote(part, item, { plaintext, own, nowMs });
    if (taken === 'asks') collected.answers = true;
    if (taken === 'content-key') collected.keys = true;
    if (taken === 'history') collected.history = true;
    if (taken === 'channel-key') collected.keysCame.push(conversationId);
  }
  if (kind === 'message') {
    const contentKey = readEnvelope(plaintext);
    if (body === undefined) throw new SdkError('undecryptable', 'its body has expired');
    said = decodeContent(openBody({ conversationId, messageId, sender }, contentKey, body));
    part.put(contentKeyTable, [messageId], { ...contentKey, conversationId, author: sender.accountId });
  }
  if (identityChanged) collected.identityChanged.push(sender);
  if (exchange !== undefined && answer(part, item, exchange)) {
    collected.exchanges += 1;
    collected.answers = true;
  }
  return said;
}

/** Throws SdkError `untrusted_server`, `undecryptable`, and libsignal's own errors. */
async function decrypt(part: UnitOfWork, item: DeliverItem, own: DeviceAddress): Promise<Pick<Opened, 'plaintext' | 'exchange' | 'identityChanged'>> {
  const { conversationId, sender, envelope } = item;
  const isGroup = part.get(conversationTable, conversationId)?.kind === 'group';
  if (!isGroup && !isKeysOfChannel(item) && sender.accountId !== own.accountId && !isBetween(item, own)) {
    throw new SdkError('untrusted_server', 'it came in a conversation of others than its sender and this account');
  }
  if (envelope === undefined) throw new SdkError('undecryptable', 'it came without an envelope for this device');
  if (!isForGroup(envelope)) return decryptFrom(part, own, sender, envelope);
  return { plaintext: await decryptFromGroup(part, sender, envelope.content), identityChanged: false };
}

/** Anybody in a channel may be asked for its key, or asked. */
function isKeysOfChannel({ conversationId, kind }: DeliverItem): boolean {
  return kind === 'keys' && isChannelId(conversationId);
}

/** Once for each key exchange: the device's messages carry it until it hears from us. */
function answer(unit: UnitOfWork, { conversationId, sender }: DeliverItem, exchange: string): boolean {
  if (unit.get(answeredTable, deviceKey(sender)) === exchange) return false;
  unit.put(answeredTable, [deviceKey(sender)], exchange);
  putKeys(unit, { conversationId, to: sender });
  return true;
}

interface Mending {
  readonly error: unknown;
  readonly nowMs: number;
}

/** What did not open is asked for, and what it takes to open the next ones is made anew. Answers whether something waits in the outbox. */
function mend(unit: UnitOfWork, item: DeliverItem, { error, nowMs }: Mending): boolean {
  const asks = item.kind === 'message' && mayOpenLater(error) && askContentKey(unit, item, nowMs);
  return heal(unit, item, { failure: signalFailureOf(error), nowMs, asks }) || asks;
}

interface Healing {
  readonly failure: SignalFailure | undefined;
  readonly nowMs: number;
  /** Something else is said to the device already. */
  readonly asks: boolean;
}

/**
 * A session that opens nothing any more is replaced: the next message for the device carries a new key exchange, which its own messages follow. A sender key that is missing is asked for.
 * At most once an hour for each device, and for each group, whatever it sends.
 */
function heal(unit: UnitOfWork, { conversationId, sender, envelope }: DeliverItem, { failure, nowMs, asks }: Healing): boolean {
  if (failure === undefined || !healable.includes(failure)) return false;
  const wantsSenderKey = envelope !== undefined && isForGroup(envelope);
  const what = wantsSenderKey ? `${deviceKey(sender)}/${conversationId}` : deviceKey(sender);
  const healedAtMs = unit.get(healedTable, what);
  if (healedAtMs !== undefined && nowMs - healedAtMs < healEveryMs) return false;
  unit.put(healedTable, [what], nowMs);
  if (!wantsSenderKey) archiveSession(unit, sender);
  // What asks for the message's own key begins the new session too.
  if (wantsSenderKey || !asks)
    putKeys(unit, { conversationId, to: sender, note: wantsSenderKey ? { type: 'sender-key-wanted', conversationId } : undefined });
  return true;
}

/** The id of a direct conversation says whose it is. What one's own other device wrote does not say to whom. */
function isBetween({ conversationId, sender }: DeliverItem, own: DeviceAddress): boolean {
  return sender.accountId !== own.accountId && conversationId === directConversationId(own.accountId, sender.accountId);
}

/** Not what comes in a conversation where it does not belong. */
function mayOpenLater(error: unknown): boolean {
  return !(error instanceof SdkError && error.code === 'untrusted_server');
}

/** Rethrows what is no fault of the message. */
function reasonOf(error: unknown): string {
  if (error instanceof SdkError) return error.message;
  const failure = signalFailureOf(error);
  if (failure === undefined) throw error;
  return failure;
}
