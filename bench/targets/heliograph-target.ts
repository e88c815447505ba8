import { rmSync } from 'node:fs';

import { createHeliographWire } from '../load/heliograph-wire.js';
import { HeliographServer } from '../process/heliograph-server.js';
import { countsOn } from './counts-on.js';
import { registeredOn } from './registered-on.js';
import type { GroupTarget } from './target.js';

export interface HeliographOptions {
  /** The build that is measured. */
  readonly dist: string;
  /** Removed when the target stops. */
  readonly dataDirectory: string;
  readonly nodeArgs: readonly string[];
}

/** Starts the embedded profile on free ports, its rate limits out of the way. */
export async function startHeliograph({ dist, dataDirectory, nodeArgs }: HeliographOptions): Promise<GroupTarget> {
  const server = await HeliographServer.start({ dist, dataDirectory, nodeArgs, environment: { HELIOGRAPH_TOKEN_LIFETIME_MS: '86400000' } });
  const registered = registeredOn(server.publicUrl);
  const target = (): GroupTarget => ({
    ...registered,
    name: 'Heliograph, embedded',
    url: server.socketUrl,
    wire: createHeliographWire(),
    processes: [server.child.pid],
    sessionHolders: [{ pid: server.child.pid, url: server.socketUrl }],
    engines: {},
    counts: (counters) => countsOn(server.adminUrls, counters),
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
