import type { PushAnswer } from '../../ports/gateway-link.js';
import type { CloseReason } from '../../protocol/close-codes.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../../protocol/server-frames.js';

/** The socket as a session sees it. */
export interface SessionSocket {
  send(frame: ServerFrame): void;
  /** Bytes that wait in this process because the client does not read. */
  bufferedBytes(): number;
  close(reason: CloseReason): void;
}

export interface SessionLimits {
  /** Un-acked pushes of a live session. */
  readonly windowItems: number;
  readonly windowBytes: number;
  readonly ackTimeoutMs: number;
  /** No drain call for so long: drained in this process. */
  readonly drainSilenceMs: number;
  /** The same while the workflow engine is known to be away. */
  readonly drainSilenceWhenAwayMs: number;
  /** A socket that holds more than this back takes no pushes. */
  readonly maxBufferedBytes: number;
}

/** A session as its host knows it. */
export interface HostedSession {
  readonly device: DeviceAddress;
  /** The device's own connection number. */
  readonly sessionEpoch: number;
  readonly state: string;
  send(frame: ServerFrame): void;
  tick(nowMs: number): boolean;
}

/** What all sessions of a gateway share. */
export interface SessionContext {
  readonly limits: SessionLimits;
  nowMs(): number;
  leaseHeld(): boolean;
  /** Resolves once the receipts that these items earn are durable. */
  recordDelivered(device: DeviceAddress, items: readonly DeliverItem[]): Promise<void>;
  /** Asks for a drain by the workflow engine. */
  requestDrain(device: DeviceAddress, token: number): void;
  /** Drains in this process. */
  drainLocally(device: DeviceAddress, token: number): void;
  workflowsAreAway(): boolean;
  /** From now on the session has something that time can run out for; `tick` is called until it answers false. */
  watch(session: HostedSession): void;
  /** The session left: forget it, release its registry entry unless it was displaced. `drained`: it was live, so nothing that was not pushed to it waits in its inbox. */
  closed(session: HostedSession, reason: CloseReason, drained: boolean): void;
  turned(device: DeviceAddress, why: DrainCause): void;
}

/** Why a session leaves `live`, or begins with a drain. */
export type DrainCause = 'inbox' | 'nudge' | 'ack-timeout' | 'overflow' | 'slow-socket' | 'lapse';
export type AnswerPush = (targetIndex: number, answer: PushAnswer) => void;

export interface OfferedPush {
  readonly linkId: string;
  readonly partition: number;
  readonly item: DeliverItem;
  readonly index: number;
  readonly answer: AnswerPush;
}
