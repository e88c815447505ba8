import { fileURLToPath } from 'node:url';

import type { BenchOptions } from '../bench-options.js';
import type { LoadShape } from '../load/generate-load.js';
import { summariseRuns, type LoadFigures } from '../report/load-figures.js';
import type { Target } from '../targets/target.js';
import { findBestLoad } from './find-best-load.js';
import { measureIdleSessions, type IdleMeasurement } from './measure-idle-sessions.js';
import { measureLoad, type LoadMeasurement, type LoadPlan } from './measure-load.js';

/** Before the first run of a kind, until the code that runs is compiled, also that of engines on a JVM: what follows is what people meet on any day but its first minute. */
const firstWarmUpMs = 60_000;
const warmUpMs = 10_000;
/** Collects when it is told to. V8's young generation stays at its least: it grows to 48 MB with what is allocated in a second, not with what a session keeps. */
const countingMemory = [
  '--expose-gc',
  '--max-semi-space-size=1',
  '--import',
  fileURLToPath(new URL('../process/collect-on-signal.js', import.meta.url)),
];
/** Of all cores' time, taken by the host for other machines. */
const quietShare = 0.003;

export interface TargetFigures {
  readonly loads: readonly LoadFigures[];
  readonly idle: readonly IdleMeasurement[];
}

/** Goes through the chosen parts, each with a target of its own. */
export async function measureTarget(
  start: (nodeArgs: readonly string[]) => Promise<Target>,
  options: BenchOptions,
  tell: (line: string) => void,
): Promise<TargetFigures> {
  const { parts } = options;
  const fresh = async <Figures>(measure: (target: Target) => Promise<Figures>, nodeArgs: readonly string[] = []): Promise<Figures> => {
    const target = await start(nodeArgs);
    return measure(target).finally(() => target.stop());
  };
  // The gigabytes of the closed loop come last: to delete them keeps the disk busy for a while.
  const open = parts.includes('open') ? await fresh((target) => measureOpen(target, options, tell)) : [];
  const idle = parts.includes('idle') ? [await fresh((target) => measureIdleSessions(target, options.sessions, tell), countingMemory)] : [];
  const closed = parts.includes('closed') ? [await fresh((target) => measureClosed(target, options, tell))] : [];
  return { loads: [...closed, ...open], idle };
}

async function measureClosed(target: Target, { pairs, windows, seconds, repeat }: BenchOptions, tell: (line: string) => void): Promise<LoadFigures> {
  const best = await findBestLoad(target, { pairs, windows }, tell);
  return repeated(target, { ...best, measureMs: seconds * 1000 }, repeat, tell);
}

async function measureOpen(
  target: Target,
  { rates, ratePairs, rateSeconds, repeat }: BenchOptions,
  tell: (line: string) => void,
): Promise<readonly LoadFigures[]> {
  const figures: LoadFigures[] = [];
  for (const perSecond of rates) {
    const shape: LoadShape = { kind: 'open', perSecond };
    figures.push(await repeated(target, { pairs: ratePairs, shape, measureMs: rateSeconds * 1000 }, repeat, tell));
  }
  return figures;
}

/** A run whose cores were taken away measures the neighbours: it is made again, at most twice as many in all. Those that lost least count. */
async function repeated(target: Target, plan: Omit<LoadPlan, 'warmUpMs'>, times: number, tell: (line: string) => void): Promise<LoadFigures> {
  const runs: LoadMeasurement[] = [];
  const isQuiet = ({ stolen }: LoadMeasurement) => stolen <= quietShare;
  while (runs.filter(isQuiet).length < times && runs.length < 2 * times) {
    const run = await measureLoad(target, { ...plan, warmUpMs: runs.length === 0 ? firstWarmUpMs : warmUpMs });
    runs.push(run);
    const again = isQuiet(run) ? '' : `; ${(run.stolen * 100).toFixed(1)} % of the cores' time went to other machines`;
    tell(`${target.name}: ${describeShape(plan)}: ${oneLine([run])}${again}`);
  }
  return summariseRuns([...runs].sort((one, other) => one.stolen - other.stolen).slice(0, times));
}

function describeShape({ pairs, shape }: Pick<LoadPlan, 'pairs' | 'shape'>): string {
  return shape.kind === 'closed' ? `${pairs} pairs x ${shape.window}` : `${shape.perSecond}/s on ${pairs} pairs`;
}

function oneLine(runs: readonly LoadMeasurement[]): string {
  const { exchangesPerSecond, latency, cpuMsPerExchange } = summariseRuns(runs);
  const p99 = Object.entries(latency).map(([stage, { p99Ms }]) => `${stage} ${p99Ms.toFixed(1)}`);
  const cpu = cpuMsPerExchange === undefined ? '' : `, ${cpuMsPerExchange.toFixed(3)} core-ms each`;
  return `${Math.round(exchangesPerSecond)} exchanges/s, p99 ${p99.join(', ')} ms${cpu}`;
}
