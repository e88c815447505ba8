import { registerDevices, registerPairs } from '../load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../load/wire.js';
import type { Target } from './target.js';

/** Registers what is asked for, and remembers it. */
export function registeredOn(publicUrl: string): Pick<Target, 'devices' | 'pairs'> {
  let devices: readonly LoadDevice[] = [];
  let pairs: readonly LoadPair[] = [];
  return {
    devices: async (count) => {
      if (devices.length < count) devices = [...devices, ...(await registerDevices(publicUrl, count - devices.length))];
      return devices.slice(0, count);
    },
    pairs: async (count) => {
      if (pairs.length < count) pairs = [...pairs, ...(await registerPairs(publicUrl, count - pairs.length))];
      return pairs.slice(0, count);
    },
  };
}
