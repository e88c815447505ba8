import type { DeviceAddress, Position } from '../protocol/ids.js';
import { deviceStates, type DeviceState, type OutcomeState } from '../protocol/rest/explanation.js';
import type { ItemKind } from '../protocol/server-frames.js';

/** What is known of a message that is in History. */
export interface MessageFacts {
  readonly position: Position;
  readonly kind: ItemKind;
  readonly sender: DeviceAddress;
  readonly acceptedAtMs: number;
  /** When its own time (`ttlSeconds`) is over. */
  readonly expiresAtMs?: number | undefined;
  /** Whether only the sender's own devices get it. */
  readonly withheld: boolean;
  /** Whether the log still has the record, which names the devices that get it. */
  readonly recorded: boolean;
  /** Whether the delivery-router is past it: then every device that gets it has acked it, or had its inbox row, before the rows were looked for. */
  readonly routed: boolean;
  readonly nowMs: number;
}

/** What is known of a device and that message. Times in ms. */
export interface DeviceFacts {
  readonly device: DeviceAddress;
  readonly createdAtMs: number;
  readonly revokedAtMs?: number | undefined;
  /** When its account joined, if it is a member now. */
  readonly joinedAtMs?: number | undefined;
  /** Whether the record names it. */
  readonly named: boolean;
  /** Of its inbox row. */
  readonly queuedAtMs?: number | undefined;
  readonly quarantinedAtMs?: number | undefined;
  /** Its watermarks in the conversation. */
  readonly delivered?: Position | undefined;
  readonly read?: Position | undefined;
  /** What its watermarks passed over. */
  readonly except?: readonly Position[] | undefined;
}

export interface Outcome<State extends DeviceState = DeviceState> {
  readonly state: State;
  readonly sinceMs?: number;
}

/** What the sender may know: a message that is withheld waits, as for a device that is not there. */
export function shownToSender({ state, ...since }: Outcome): Outcome<OutcomeState> {
  return { state: state === 'withheld' ? 'queued' : state, ...since };
}

/**
 * Where a message is for one device, from what the stores say. `undefined`: the message has nothing to do with the device, which sent it, or was unlinked or out of the conversation before.
 * A record that the log has is the truth of who was addressed; without it times and watermarks tell, and what they do not tell is `unknown`.
 */
export function explainDevice(message: MessageFacts, device: DeviceFacts): Outcome | undefined {
  if (isSame(message.sender, device.device)) return undefined;
  if (!device.named) {
    const absence = explainAbsence(message, device);
    if (message.recorded || absence?.state !== 'not-addressed') return absence;
  }
  return explainAddressed(message, device);
}

/** The state of the device that is furthest. Throws RangeError without any. */
export function furthestOf<State extends DeviceState>(outcomes: readonly Outcome<State>[]): State {
  const states = outcomes.map(({ state }) => state);
  const furthest = deviceStates.find((state): state is State => (states as readonly DeviceState[]).includes(state));
  if (furthest === undefined) throw new RangeError('no outcomes');
  return furthest;
}

function explainAbsence({ acceptedAtMs, recorded }: MessageFacts, { createdAtMs, revokedAtMs, joinedAtMs }: DeviceFacts): Outcome | undefined {
  if (revokedAtMs !== undefined && revokedAtMs <= acceptedAtMs) return undefined;
  // Out of the conversation before; without the record it may have been after.
  if (joinedAtMs === undefined && recorded) return undefined;
  if (joinedAtMs !== undefined && joinedAtMs > acceptedAtMs) return { state: 'joined-later', sinceMs: joinedAtMs };
  if (createdAtMs > acceptedAtMs) return { state: 'linked-later', sinceMs: createdAtMs };
  return { state: 'not-addressed' };
}

function explainAddressed(message: MessageFacts, device: DeviceFacts): Outcome {
  const { expiresAtMs, nowMs } = message;
  const { queuedAtMs, quarantinedAtMs, revokedAtMs } = device;
  // Watermarks pass over it.
  const isKept = queuedAtMs !== undefined && quarantinedAtMs !== undefined && revokedAtMs === undefined;
  if (isKept) return { state: 'quarantined', sinceMs: quarantinedAtMs };
  const known = explainReceipts(message, device);
  if (known !== undefined) return known;
  if (revokedAtMs !== undefined) return { state: 'unlinked', sinceMs: revokedAtMs };
  if (isWithheldFrom(message, device)) return { state: 'withheld', sinceMs: message.acceptedAtMs };
  const expired = expiresAtMs === undefined || expiresAtMs > nowMs ? undefined : ({ state: 'expired', sinceMs: expiresAtMs } as const);
  if (queuedAtMs !== undefined) return expired ?? { state: 'queued', sinceMs: queuedAtMs };
  return explainWithoutRow(message, device, expired);
}

/** What watermarks tell. One may have passed over a message whose time was over before it was delivered. */
function explainReceipts({ position, expiresAtMs = Infinity, nowMs }: MessageFacts, device: DeviceFacts): Outcome | undefined {
  const { delivered = -1, read = -1, except = [] } = device;
  if (Math.max(delivered, read) < position || except.includes(position)) return undefined;
  const isExact = delivered === position || read === position;
  if (expiresAtMs <= nowMs && !isExact) return { state: 'unknown' };
  return { state: read >= position ? 'read' : 'delivered' };
}

function explainWithoutRow(message: MessageFacts, device: DeviceFacts, expired: Outcome | undefined): Outcome {
  // It was in quarantine until its row was too old.
  if (device.except?.includes(message.position) === true) return expired ?? { state: 'expired' };
  if (!message.routed) return { state: 'routing' };
  if (!message.recorded) return { state: 'unknown' };
  if (expired === undefined) return { state: 'delivered' };
  // A receipt is durable before a row goes, so of a device that gives receipts the row went unsent.
  return givesReceipt(message, device) ? expired : { state: 'unknown' };
}

function givesReceipt({ kind, sender }: MessageFacts, { device }: DeviceFacts): boolean {
  return kind === 'message' && sender.accountId !== device.accountId;
}

function isWithheldFrom({ withheld, sender }: MessageFacts, { device }: DeviceFacts): boolean {
  return withheld && device.accountId !== sender.accountId;
}

function isSame(one: DeviceAddress, other: DeviceAddress): boolean {
  return one.accountId === other.accountId && one.deviceId === other.deviceId;
}
