import type { DeviceAddress } from '../protocol/ids.js';

/**
 * `at-once`: a row waits for a device that has no session. `unless-back`: its session was lost a moment ago, so it gets 10 s to come back by itself. `for-keys`: others took so many of its prekeys
 * that few are left.
 */
export type WakeUpCause = 'at-once' | 'unless-back' | 'for-keys';

/**
 * Asks that a device be woken by push, if it still has to be when its turn comes: no session, and a row in its inbox or few prekeys.
 *
 * Best effort: never waits, never throws, and what is asked for in the last second before a crash may be forgotten. Coalesced per device: a wake-up comes after every row that it was asked for.
 */
export interface WakeUps {
  ask(device: DeviceAddress, cause: WakeUpCause): void;
}
