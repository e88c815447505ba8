import { createHeliographWire } from '../load/heliograph-wire.js';
import { HeliographCluster } from '../process/heliograph-cluster.js';
import { runningEngines } from '../process/running-engines.js';
import { countsOn } from './counts-on.js';
import { registeredOn } from './registered-on.js';
import type { GroupTarget } from './target.js';

export interface ClusterTargetOptions {
  /** The build that is measured. */
  readonly dist: string;
  readonly nodeArgs: readonly string[];
  /** Of what it leaves in the engines. */
  readonly name?: string;
}

/** Starts the distributed profile on the engines of `npm run stack`, its rate limits out of the way. Devices connect to HAProxy. */
export async function startCluster({ dist, nodeArgs, name = `bench_${Date.now().toString(36)}` }: ClusterTargetOptions): Promise<GroupTarget> {
  const cluster = await HeliographCluster.start({ dist, name, nodeArgs, environment: { HELIOGRAPH_TOKEN_LIFETIME_MS: '86400000' } });
  const engines = runningEngines();
  const registered = registeredOn(cluster.publicUrl);
  const target = (): GroupTarget => ({
    ...registered,
    name: 'Heliograph, distributed',
    url: cluster.socketUrl,
    wire: createHeliographWire(),
    processes: cluster.members.map(({ child }) => child.pid),
    sessionHolders: cluster.of('gateway').map(({ child, socketUrl }) => ({ pid: child.pid, url: socketUrl })),
    engines,
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
