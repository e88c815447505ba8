import { rmSync } from 'node:fs';

import { createHeliographWire } from '../load/heliograph-wire.js';
import { registerDevices, registerPairs } from '../load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../load/wire.js';
import { HeliographServer } from '../process/heliograph-server.js';
import type { Target } from './target.js';

export interface HeliographOptions {
  /** The build that is measured. */
  readonly dist: string;
  /** Removed when the target stops. */
  readonly dataDirectory: string;
  readonly nodeArgs: readonly string[];
}

/** Starts the embedded profile on free ports, its rate limits out of the way. */
export async function startHeliograph({ dist, dataDirectory, nodeArgs }: HeliographOptions): Promise<Target> {
  const server = await HeliographServer.start({ dist, dataDirectory, nodeArgs, environment: { HELIOGRAPH_TOKEN_LIFETIME_MS: '86400000' } });
  let devices: readonly LoadDevice[] = [];
  let pairs: readonly LoadPair[] = [];
  const target = (): Target => ({
    name: 'Heliograph, embedded',
    url: server.socketUrl,
    wire: createHeliographWire(),
    server: server.child,
    devices: async (count) => {
      if (devices.length < count) devices = [...devices, ...(await registerDevices(server.publicUrl, count - devices.length))];
      return devices.slice(0, count);
    },
    pairs: async (count) => {
      if (pairs.length < count) pairs = [...pairs, ...(await registerPairs(server.publicUrl, count - pairs.length))];
      return pairs.slice(0, count);
    },
    restart: async () => {
      await server.stop();
      await server.restart();
      return target();
    },
    stop: async () => {
      await server.stop();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  });
  return target();
}
