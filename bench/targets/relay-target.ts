import { createRelayWire } from '../load/relay-wire.js';
import type { LoadDevice } from '../load/wire.js';
import { ChildServer } from '../process/child-server.js';
import type { Target } from './target.js';

const startTimeoutMs = 10_000;

export interface RelayOptions {
  /** The relay's file, as it is or compiled. */
  readonly entry: string;
  readonly nodeArgs: readonly string[];
}

/** Starts the reference relay. Devices need no registration there. */
export async function startRelay(options: RelayOptions): Promise<Target> {
  const server = new ChildServer({ args: [...options.nodeArgs, options.entry], cwd: process.cwd(), env: process.env });
  const port = await server.ready(() => /listening (\d+)/.exec(server.output)?.[1], startTimeoutMs);
  const url = `ws://127.0.0.1:${port}/`;
  return {
    name: 'bare ws JSON relay',
    url,
    wire: createRelayWire(),
    processes: [server.pid],
    sessionHolders: [{ pid: server.pid, url }],
    engines: {},
    devices: (count) => Promise.resolve(Array.from({ length: count }, (_, index) => deviceOf(index))),
    pairs: (count) => Promise.resolve(Array.from({ length: count }, (_, index) => pairOf(index))),
    restart: async () => {
      await server.stop();
      return startRelay(options);
    },
    stop: () => server.stop(),
  };
}

function deviceOf(index: number): LoadDevice {
  return { accountId: `device-${index}`, deviceId: 1, registrationId: 1, token: '' };
}

function pairOf(index: number) {
  return { conversationId: `pair-${index}`, rosterDigest: '', sender: deviceOf(2 * index), receiver: deviceOf(2 * index + 1) };
}
