import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { createHeliographWire } from '../load/heliograph-wire.js';
import { registerDevices, registerPairs } from '../load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../load/wire.js';
import { ChildServer, freePorts } from '../process/child-server.js';
import type { Target } from './target.js';

/** The first start makes a PostgreSQL cluster. */
const startTimeoutMs = 120_000;

export interface HeliographOptions {
  /** The build that is measured. */
  readonly dist: string;
  /** Removed when the target stops. */
  readonly dataDirectory: string;
  readonly nodeArgs: readonly string[];
}

/** What the generator registered with a server so far; outlives a restart. */
interface Registered {
  devices: readonly LoadDevice[];
  pairs: readonly LoadPair[];
}

/** Starts the embedded profile on free ports, its rate limits out of the way. */
export function startHeliograph(options: HeliographOptions): Promise<Target> {
  return start(options, { devices: [], pairs: [] });
}

async function start(options: HeliographOptions, registered: Registered): Promise<Target> {
  const { dist, dataDirectory, nodeArgs } = options;
  const [publicPort = 0, adminPort = 0] = await freePorts(2);
  const server = new ChildServer({
    args: [...nodeArgs, join(dist, 'workers', 'all-in-one.js')],
    cwd: dist,
    env: { ...withoutOurs(process.env), ...settings(dataDirectory, publicPort, adminPort) },
  });
  await server.ready(() => answersReady(`http://127.0.0.1:${adminPort}/readyz`), startTimeoutMs);
  const rest = `http://127.0.0.1:${publicPort}`;
  return {
    name: 'Heliograph, embedded',
    url: `ws://127.0.0.1:${publicPort}/v1/socket`,
    wire: createHeliographWire(),
    server,
    devices: async (count) => {
      const { devices } = registered;
      if (devices.length < count) registered.devices = [...devices, ...(await registerDevices(rest, count - devices.length))];
      return registered.devices.slice(0, count);
    },
    pairs: async (count) => {
      const { pairs } = registered;
      if (pairs.length < count) registered.pairs = [...pairs, ...(await registerPairs(rest, count - pairs.length))];
      return registered.pairs.slice(0, count);
    },
    restart: async () => {
      await server.stop();
      return start(options, registered);
    },
    stop: async () => {
      await server.stop();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

async function answersReady(url: string): Promise<true | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok ? true : undefined;
  } catch {
    return undefined;
  }
}

/** Settings of the shell's own server must not change what is measured; where the Temporal CLI is stays known. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('HELIOGRAPH_') || name === 'HELIOGRAPH_TEMPORAL_CLI');
  return Object.fromEntries<string | undefined>(kept);
}

function settings(dataDirectory: string, publicPort: number, adminPort: number): Record<string, string> {
  const unlimited = ['SEND', 'RECIPIENT', 'HELLO', 'ADMISSION', 'REGISTRATION', 'TOKEN', 'PREKEY_BUNDLE'].flatMap((name): [string, string][] => [
    [`HELIOGRAPH_LIMIT_${name}_BURST`, '1000000'],
    [`HELIOGRAPH_LIMIT_${name}_PER_SECOND`, '1000000'],
  ]);
  return {
    HELIOGRAPH_DATA_DIR: dataDirectory,
    HELIOGRAPH_PORT: `${publicPort}`,
    HELIOGRAPH_ADMIN_PORT: `${adminPort}`,
    HELIOGRAPH_TEMPORAL_UI_PORT: '0',
    HELIOGRAPH_TOKEN_LIFETIME_MS: '86400000',
    ...Object.fromEntries(unlimited),
  };
}
