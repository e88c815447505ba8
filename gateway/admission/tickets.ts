import { createHmac, timingSafeEqual } from 'node:crypto';

import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';

/** A device may be so late for its turn, */
export const ticketLateMs = 30_000;
/** and so early, because clocks differ. */
const earlyMs = 2_000;
const macBytes = 16;

export type TicketState = { readonly state: 'due' } | { readonly state: 'early'; readonly waitMs: number } | { readonly state: 'void' };

/** Proofs of a device's turn in the line, good at every gateway. */
export interface Tickets {
  /** For a turn at this time. */
  issue(device: DeviceAddress, dueAtMs: number): string;
  /** `void`: made by nobody here, for another device, or too late. */
  look(ticket: string, device: DeviceAddress, nowMs: number): TicketState;
}

/** `<due time in base 36>.<16 bytes of HMAC-SHA-256, base64url>`. */
export function createTickets(key: Uint8Array): Tickets {
  const macOf = (device: DeviceAddress, due: string) =>
    createHmac('sha256', key)
      .update(`${deviceKey(device)}|${due}`)
      .digest()
      .subarray(0, macBytes);
  return {
    issue: (device, dueAtMs) => {
      const due = Math.ceil(dueAtMs).toString(36);
      return `${due}.${macOf(device, due).toString('base64url')}`;
    },
    look: (ticket, device, nowMs) => {
      const [due = '', mac = ''] = ticket.split('.');
      const given = Buffer.from(mac, 'base64url');
      if (given.byteLength !== macBytes || !timingSafeEqual(given, macOf(device, due))) return { state: 'void' };
      const waitMs = Number.parseInt(due, 36) - nowMs;
      if (waitMs > earlyMs) return { state: 'early', waitMs };
      return { state: waitMs < -ticketLateMs ? 'void' : 'due' };
    },
  };
}
