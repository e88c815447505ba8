import { deviceKey, type DeviceAddress } from '../protocol/ids.js';
import type { DeviceLife } from './device-life.js';
import type { Roster } from './roster.js';

export interface SentForRoster {
  readonly sender: DeviceAddress;
  readonly acceptedAtMs: number;
  /** The one that it was accepted for. */
  readonly roster: Pick<Roster, 'members'>;
  /** Only for the sender's account. */
  readonly withheld: boolean;
}

/** Clocks of two machines, the directory's and the log's, differ by less. Whoever came a moment too late is named too: the sender's device goes by the order of the conversation. */
const clockDifferenceMs = 2_000;

/** Devices that were in the conversation when the message was accepted, and not in the roster that it was accepted for. */
export function missedDevices({ sender, acceptedAtMs, roster, withheld }: SentForRoster, stays: readonly DeviceLife[]): readonly DeviceAddress[] {
  const got = new Set(roster.members.flatMap(({ accountId, devices }) => devices.map(({ deviceId }) => deviceKey({ accountId, deviceId }))));
  return stays
    .filter(({ device, createdAtMs, joinedAtMs, revokedAtMs }) => {
      const isHere = revokedAtMs === undefined && joinedAtMs !== undefined;
      const isFor = !withheld || device.accountId === sender.accountId;
      return isHere && isFor && !got.has(deviceKey(device)) && Math.max(createdAtMs, joinedAtMs) <= acceptedAtMs + clockDifferenceMs;
    })
    .map(({ device }) => device);
}
