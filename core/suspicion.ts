import type { ConversationId, MessageId, Position } from '../protocol/ids.js';

/** An item of an inbox. */
export interface InboxPlace {
  readonly conversationId: ConversationId;
  readonly position: Position;
}

export function isSamePlace(one: InboxPlace, other: InboxPlace): boolean {
  return one.conversationId === other.conversationId && one.position === other.position;
}

/** An item that something is held against, or was: of what is released the device may still hang at it. */
export interface Suspect extends InboxPlace {
  readonly messageId: MessageId;
  readonly state: 'suspected' | 'quarantined' | 'released';
}

/** What is held against an item that a device did not ack though it answers. */
export interface Suspicion {
  readonly messageId: MessageId;
  readonly suspectedAtMs: number;
  /** The connection on which nothing else was un-acked; missing while it only was among others. */
  readonly aloneOn?: number | undefined;
  readonly quarantinedAtMs?: number | undefined;
  /** Out of quarantine, and not acked yet. */
  readonly releasedAtMs?: number | undefined;
}

/** Items that were un-acked on one connection (`sessionEpoch`), though the device answered a ping after they were sent. */
export interface Unacked {
  readonly connection: number;
  readonly nowMs: number;
  /** Nothing else was un-acked there. */
  readonly alone: boolean;
}

/** Those released among them. More of them say that something else than an item is wrong with the device. */
export const maxQuarantinedItems = 10;
/** Whoever is suspected once, and never again for so long, is not any more. */
export const suspicionMaxAgeMs = 24 * 3_600_000;

/**
 * An item goes to quarantine when it was alone on two connections. `kept`: how many items of the device are there, or were released from there.
 * Answers what is held against it from now on.
 */
export function suspect(messageId: MessageId, known: Suspicion | undefined, { connection, nowMs, alone }: Unacked, kept: number): Suspicion {
  const suspectedAtMs = nowMs;
  if (known === undefined) return { messageId, suspectedAtMs, ...(alone ? { aloneOn: connection } : {}) };
  if (!alone || known.quarantinedAtMs !== undefined) return known;
  const { aloneOn = connection, releasedAtMs } = known;
  const hasRoom = releasedAtMs !== undefined || kept < maxQuarantinedItems;
  if (aloneOn !== connection && hasRoom) return { messageId, suspectedAtMs, aloneOn, quarantinedAtMs: nowMs };
  return { messageId, suspectedAtMs, aloneOn, ...(releasedAtMs === undefined ? {} : { releasedAtMs }) };
}

/** The device gets it again, and is told when it has it. */
export function release({ messageId, suspectedAtMs }: Suspicion, nowMs: number): Suspicion {
  return { messageId, suspectedAtMs, releasedAtMs: nowMs };
}

export function stateOf({ quarantinedAtMs, releasedAtMs }: Suspicion): Suspect['state'] {
  if (quarantinedAtMs !== undefined) return 'quarantined';
  return releasedAtMs === undefined ? 'suspected' : 'released';
}

export function suspectAt({ conversationId, position }: InboxPlace, suspicion: Suspicion): Suspect {
  return { conversationId, position, messageId: suspicion.messageId, state: stateOf(suspicion) };
}

/** Whether it holds no longer. `inboxMaxAgeMs`: as long as inboxes keep their rows. */
export function isOver({ suspectedAtMs, quarantinedAtMs, releasedAtMs }: Suspicion, nowMs: number, inboxMaxAgeMs: number): boolean {
  const keptSinceMs = quarantinedAtMs ?? releasedAtMs;
  return keptSinceMs === undefined ? suspectedAtMs + suspicionMaxAgeMs <= nowMs : keptSinceMs + inboxMaxAgeMs <= nowMs;
}
