import type { InboxPlace, Unacked } from '../core/suspicion.js';
import type { DeviceAddress, MessageId } from '../protocol/ids.js';
import type { InboxRow } from './inbox.js';

export interface QuarantinedItem extends InboxPlace {
  readonly device: DeviceAddress;
  readonly messageId: MessageId;
  readonly sinceMs: number;
}

/**
 * Items of inboxes that their devices do not ack though they answer. What is in quarantine stays in its inbox, and `Inbox.read` passes over it until it is released or as old as inboxes keep rows.
 * One drain at a time suspects items of a device. Throws DomainError `unavailable` when the store is away.
 */
export interface Quarantine {
  /** Holds it against each of the items (core/suspicion.ts). Answers whether one of them is in quarantine now. */
  suspect(device: DeviceAddress, items: readonly Pick<InboxRow, 'conversationId' | 'position' | 'messageId'>[], unacked: Unacked): Promise<boolean>;
  /** Since when the item is in quarantine, for each device in the order given. */
  sinceMs(devices: readonly DeviceAddress[], item: InboxPlace): Promise<readonly (number | undefined)[]>;
  /** Of all devices, in no order. */
  list(limit: number): Promise<readonly QuarantinedItem[]>;
  /** `Inbox.read` answers the item again, as `released` among its suspects. Nothing is held against it any more. */
  release(device: DeviceAddress, item: InboxPlace, nowMs: number): Promise<void>;
  /** The device has the item. */
  forget(device: DeviceAddress, item: InboxPlace): Promise<void>;
}
