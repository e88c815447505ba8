import { stages, type LatencySummary, type Stage } from '../load/recorder.js';
import type { LoadMeasurement, LoadPlan } from '../scenarios/measure-load.js';
import { median } from './median.js';

/** Medians of several runs of the same plan, figure by figure. */
export interface LoadFigures {
  readonly target: string;
  readonly plan: LoadPlan;
  readonly repeats: number;
  readonly exchangesPerSecond: number;
  readonly latency: Readonly<Record<Stage, LatencySummary>>;
  readonly lateness: LatencySummary;
  /** Share of all cores' time that the machine did not get, 0 to 1: of the run that had it worst. */
  readonly stolen: number;
  /** Core-milliseconds of the server's Node process for one exchange. */
  readonly cpuMsPerExchange: number | undefined;
  /** The same for its child processes, by program; those below 1 microsecond are left out. */
  readonly childCpuMsPerExchange: Readonly<Record<string, number>>;
}

/** Less than that is not shown. */
export const leastCpuMs = 0.001;

/** Throws RangeError when there are no runs. */
export function summariseRuns(runs: readonly LoadMeasurement[]): LoadFigures {
  const [first] = runs;
  if (first === undefined) throw new RangeError('no runs');
  const of = (figure: (run: LoadMeasurement) => number) => median(runs.map(figure));
  const summary = (pick: (run: LoadMeasurement) => LatencySummary): LatencySummary => ({
    p50Ms: of((run) => pick(run).p50Ms),
    p95Ms: of((run) => pick(run).p95Ms),
    p99Ms: of((run) => pick(run).p99Ms),
    maxMs: of((run) => pick(run).maxMs),
  });
  const [accepted, delivered, receipted] = stages.map((stage) => summary((run) => run.report.latency[stage]));
  if (accepted === undefined || delivered === undefined || receipted === undefined) throw new RangeError('no stages');
  return {
    target: first.target,
    plan: first.plan,
    repeats: runs.length,
    exchangesPerSecond: of((run) => run.report.exchangesPerSecond),
    latency: { accepted, delivered, receipted },
    lateness: summary((run) => run.report.lateness),
    stolen: Math.max(...runs.map(({ stolen }) => stolen)),
    cpuMsPerExchange: runs.every((run) => run.cpu !== undefined) ? of((run) => (run.cpu?.ownMs ?? 0) / exchangesOf(run)) : undefined,
    childCpuMsPerExchange: childCpu(runs, of),
  };
}

function childCpu(runs: readonly LoadMeasurement[], of: (figure: (run: LoadMeasurement) => number) => number): Record<string, number> {
  const programs = new Set(runs.flatMap((run) => Object.keys(run.cpu?.childrenMs ?? {})));
  const sums = [...programs].map((program) => [program, of((run) => (run.cpu?.childrenMs[program] ?? 0) / exchangesOf(run))] as const);
  return Object.fromEntries(sums.filter(([, cpuMs]) => cpuMs >= leastCpuMs));
}

function exchangesOf({ report }: LoadMeasurement): number {
  return Math.max(1, report.exchanges);
}
