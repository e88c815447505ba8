import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { openBody, readEnvelope } from '../encryption/body-seal.js';
import { decodeContent } from '../encryption/content.js';
import { decryptFrom, sessionRegistration } from '../encryption/sessions.js';
import { signalFailureOf } from '../encryption/signal-errors.js';
import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { Message, ShownContent } from './message.js';
import { answeredTable, contentKeyTable, conversationTable, messageTable, processedTable } from './message-tables.js';
import { putOutgoing } from './outbox.js';
import { v7 } from 'uuid';
import type { MessageId } from '../../protocol/ids.js';

export interface Received {
  /** New ones, in the order of their arrival. */
  readonly messages: readonly Message[];
  /** Devices whose account came with another identity key than before. */
  readonly identityChanged: readonly DeviceAddress[];
  /** Messages that did not open, and why. */
  readonly undecryptable: readonly { readonly message: Message; readonly reason: string }[];
  /** Something waits in the outbox now. */
  readonly answers: boolean;
}

interface Collected {
  readonly messages: Message[];
  readonly identityChanged: DeviceAddress[];
  readonly undecryptable: { message: Message; reason: string }[];
  answers: boolean;
}

/**
 * Stores what was delivered: sessions, used prekeys, content keys, messages and `processed` in one transaction, which is durable when it resolves; then it may be acked.
 * What was received before is passed over without opening it. What does not open is kept as such and told, never dropped. For the device's serial queue.
 * Throws what a store throws: nothing was kept then, and nothing may be acked.
 */
export async function receive(store: DeviceStore, own: DeviceAddress, items: readonly DeliverItem[]): Promise<Received> {
  const unit = store.begin();
  const collected: Collected = { messages: [], identityChanged: [], undecryptable: [], answers: false };
  for (const item of items) {
    if (unit.get(processedTable, item.messageId) !== undefined) continue;
    await receiveOne(unit, own, item, collected);
    unit.put(processedTable, [item.messageId], item.position);
  }
  await unit.commit();
  return collected;
}

async function receiveOne(unit: UnitOfWork, own: DeviceAddress, item: DeliverItem, collected: Collected): Promise<void> {
  const { conversationId, position, messageId, sender, acceptedAtMs } = item;
  if (item.kind === 'event') return;
  if (unit.get(conversationTable, conversationId) === undefined) unit.put(conversationTable, [conversationId], { peer: sender.accountId });
  // Sessions that a failure half advanced are forgotten with the part.
  const part = unit.part();
  let content: ShownContent | undefined;
  let reason: string | undefined;
  try {
    content = await open(part, own, item, collected);
    await part.commit();
  } catch (error) {
    reason = reasonOf(error);
    content = { type: 'undecryptable' };
  }
  if (content === undefined) return;
  unit.put(messageTable, [conversationId, position], { messageId, sender, acceptedAtMs, content });
  const message: Message = { conversationId, messageId, position, acceptedAtMs, sender, content };
  collected.messages.push(message);
  if (reason !== undefined) collected.undecryptable.push({ message, reason });
}

/** `undefined`: there is nothing to show. */
async function open(part: UnitOfWork, own: DeviceAddress, item: DeliverItem, collected: Collected): Promise<ShownContent | undefined> {
  const { conversationId, messageId, sender, kind, envelope, body } = item;
  if (envelope === undefined) throw new SdkError('undecryptable', 'it came without an envelope for this device');
  const { plaintext, first, identityChanged } = await decryptFrom(part, own, sender, envelope);
  if (identityChanged) collected.identityChanged.push(sender);
  if (first && answer(part, item)) collected.answers = true;
  if (kind !== 'message') return undefined;
  const contentKey = readEnvelope(plaintext);
  part.put(contentKeyTable, [messageId], contentKey);
  if (body === undefined) throw new SdkError('undecryptable', 'its body has expired');
  return decodeContent(openBody({ conversationId, messageId, sender }, contentKey, body));
}

/** Once for each registration of a device: its messages carry a key exchange until it hears from us. */
function answer(part: UnitOfWork, { conversationId, sender }: DeliverItem): boolean {
  const registration = sessionRegistration(part, sender);
  if (registration === undefined || part.get(answeredTable, deviceKey(sender)) === registration) return false;
  part.put(answeredTable, [deviceKey(sender)], registration);
  putOutgoing(part, { kind: 'keys', messageId: v7() as MessageId, conversationId, to: sender, attempt: 0 });
  return true;
}

/** Rethrows what is no fault of the message. */
function reasonOf(error: unknown): string {
  if (error instanceof SdkError) return error.message;
  const failure = signalFailureOf(error);
  if (failure === undefined) throw error;
  return failure;
}
