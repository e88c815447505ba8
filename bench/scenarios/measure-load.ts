import { generateLoad, type LoadReport, type LoadShape } from '../load/generate-load.js';
import { measureCpu, type CpuSpent } from '../process/measure-cpu.js';
import { measureStolenTime } from '../process/stolen-time.js';
import type { Target } from '../targets/target.js';

export interface LoadPlan {
  readonly pairs: number;
  readonly shape: LoadShape;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** One run against one target. */
export interface LoadMeasurement {
  readonly target: string;
  readonly plan: LoadPlan;
  readonly report: LoadReport;
  readonly cpu: CpuSpent | undefined;
  /** Share of all cores' time that the machine did not get, 0 to 1. */
  readonly stolen: number;
  /** The measured time as `process.hrtime` counts, in microseconds. */
  readonly fromUs: number;
  readonly untilUs: number;
}

/** Loads the target and measures what it spends. Rejects when a message was lost, refused or delivered twice: such figures are worth nothing. */
export async function measureLoad(target: Target, plan: LoadPlan): Promise<LoadMeasurement> {
  let endCpu: () => CpuSpent | undefined = () => undefined;
  let cpu: CpuSpent | undefined;
  let endStolen = () => 0;
  let stolen = 0;
  const times = { fromUs: 0, untilUs: 0 };
  const report = await generateLoad({
    url: target.url,
    wire: target.wire,
    pairs: await target.pairs(plan.pairs),
    shape: plan.shape,
    warmUpMs: plan.warmUpMs,
    measureMs: plan.measureMs,
    onMeasureStart: () => {
      endCpu = measureCpu(target);
      endStolen = measureStolenTime();
      times.fromUs = nowUs();
    },
    onMeasureEnd: () => {
      times.untilUs = nowUs();
      cpu = endCpu();
      stolen = endStolen();
    },
  });
  requireClean(target.name, report);
  return { target: target.name, plan, report, cpu, stolen, ...times };
}

function requireClean(name: string, { counts, unfinished }: LoadReport): void {
  const refusals = Object.entries(counts.refused).map(([code, count]) => `${count} x ${code}`);
  const faults = [
    ...refusals,
    ...(unfinished === 0 ? [] : [`${unfinished} without receipt`]),
    ...(counts.duplicates === 0 ? [] : [`${counts.duplicates} delivered twice`]),
  ];
  if (faults.length > 0) throw new Error(`${name}: of ${counts.sent} messages ${faults.join(', ')}`);
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
