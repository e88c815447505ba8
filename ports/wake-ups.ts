import type { DeviceAddress } from '../protocol/ids.js';

/** `at-once`: a row waits for a device that has no session. `unless-back`: its session was lost a moment ago, so it gets 10 s to come back by itself. */
export type WakeUpTime = 'at-once' | 'unless-back';

/**
 * Asks that a device be woken by push, if it still has to be when its turn comes: a row in its inbox, no session.
 *
 * Best effort: never waits, never throws, and what is asked for in the last second before a crash may be forgotten. Coalesced per device: a wake-up comes after every row that it was asked for.
 */
export interface WakeUps {
  ask(device: DeviceAddress, when: WakeUpTime): void;
}
