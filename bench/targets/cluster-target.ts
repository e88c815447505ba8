import { createHeliographWire } from '../load/heliograph-wire.js';
import { Stack } from '../../app/stack/stack.js';
import { HeliographCluster } from '../process/heliograph-cluster.js';
import { countsOn } from './counts-on.js';
import { registeredOn } from './registered-on.js';
import type { GroupTarget } from './target.js';

export interface ClusterTargetOptions {
  /** The build that is measured. */
  readonly dist: string;
  readonly nodeArgs: readonly string[];
}

/** Starts the distributed profile on the engines of `npm run stack`, its rate limits out of the way. Devices connect to HAProxy. */
export async function startCluster({ dist, nodeArgs }: ClusterTargetOptions): Promise<GroupTarget> {
  const name = `bench_${Date.now().toString(36)}`;
  const cluster = await HeliographCluster.start({ dist, name, nodeArgs, environment: { HELIOGRAPH_TOKEN_LIFETIME_MS: '86400000' } });
  const engines = new Stack('.stack').status().flatMap(({ name: engine, pid }): [string, number][] => (pid === undefined ? [] : [[engine, pid]]));
  const registered = registeredOn(cluster.publicUrl);
  const target = (): GroupTarget => ({
    ...registered,
    name: 'Heliograph, distributed',
    url: cluster.socketUrl,
    wire: createHeliographWire(),
    processes: cluster.members.map(({ child }) => child.pid),
    sessionHolders: cluster.of('gateway').map(({ child, socketUrl }) => ({ pid: child.pid, url: socketUrl })),
    engines: Object.fromEntries(engines),
    counts: (counters) => countsOn(cluster.adminUrls, counters),
    restart: async () => {
      await cluster.stop();
      await cluster.restart();
      return target();
    },
    stop: () => cluster.stop(),
  });
  return target();
}
