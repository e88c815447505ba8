import { registerDevices, registerGroup, registerPairs } from '../load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../load/wire.js';
import type { GroupTarget } from './target.js';

/** Registers what is asked for, and remembers it. */
export function registeredOn(publicUrl: string): Pick<GroupTarget, 'devices' | 'pairs' | 'group'> {
  let devices: readonly LoadDevice[] = [];
  let pairs: readonly LoadPair[] = [];
  const some = async (count: number) => {
    if (devices.length < count) devices = [...devices, ...(await registerDevices(publicUrl, count - devices.length))];
    return devices.slice(0, count);
  };
  return {
    devices: some,
    group: async (members) => registerGroup(publicUrl, await some(members)),
    pairs: async (count) => {
      if (pairs.length < count) pairs = [...pairs, ...(await registerPairs(publicUrl, count - pairs.length))];
      return pairs.slice(0, count);
    },
  };
}
