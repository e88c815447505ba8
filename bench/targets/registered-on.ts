import { inParallel } from '../load/in-parallel.js';
import { registerDevices, registerGroup, registerPairs } from '../load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../load/wire.js';
import type { GroupTarget } from './target.js';

const groupsAtOnce = 4;

/** Registers what is asked for, and remembers it. */
export function registeredOn(publicUrl: string): Pick<GroupTarget, 'devices' | 'pairs' | 'groups'> {
  let devices: readonly LoadDevice[] = [];
  let pairs: readonly LoadPair[] = [];
  const some = async (count: number) => {
    if (devices.length < count) devices = [...devices, ...(await registerDevices(publicUrl, count - devices.length))];
    return devices.slice(0, count);
  };
  return {
    devices: some,
    groups: async (count, members) => {
      const all = await some(count * members);
      const ofEach = Array.from({ length: count }, (_, index) => all.slice(index * members, (index + 1) * members));
      return inParallel(ofEach, groupsAtOnce, (devices) => registerGroup(publicUrl, devices));
    },
    pairs: async (count) => {
      if (pairs.length < count) pairs = [...pairs, ...(await registerPairs(publicUrl, count - pairs.length))];
      return pairs.slice(0, count);
    },
  };
}
