import { readTreeUsage } from './process-tree.js';

/** CPU time spent between two readings, in core-milliseconds. */
export interface CpuSpent {
  /** Of the server's own Node processes. */
  readonly ownMs: number;
  /** Of what runs for them: their child processes by program, engines by name. */
  readonly childrenMs: Readonly<Record<string, number>>;
}

export interface MeasuredProcesses {
  /** Pids of the server's own Node processes. */
  readonly processes: readonly number[];
  /** Pids of engines that are nobody's children, by name. */
  readonly engines: Readonly<Record<string, number>>;
}

/** Starts a measurement; the answer ends it. `undefined` where /proc is missing. */
export function measureCpu(measured: MeasuredProcesses): () => CpuSpent | undefined {
  const before = readUsage(measured);
  return () => {
    const after = readUsage(measured);
    return before === undefined || after === undefined ? undefined : spent(before, after);
  };
}

function readUsage({ processes, engines }: MeasuredProcesses): CpuSpent | undefined {
  let ownMs = 0;
  const childrenMs: Record<string, number> = {};
  const add = (name: string, ms: number) => (childrenMs[name] = (childrenMs[name] ?? 0) + ms);
  for (const pid of processes) {
    const usage = readTreeUsage(pid);
    if (usage === undefined) return undefined;
    ownMs += usage.own.cpuMs;
    for (const [name, { cpuMs }] of Object.entries(usage.children)) add(name, cpuMs);
  }
  for (const [name, pid] of Object.entries(engines)) {
    const usage = readTreeUsage(pid);
    if (usage === undefined) return undefined;
    add(name, usage.own.cpuMs + Object.values(usage.children).reduce((sum, { cpuMs }) => sum + cpuMs, 0));
  }
  return { ownMs, childrenMs };
}

function spent(before: CpuSpent, after: CpuSpent): CpuSpent {
  const childrenMs = Object.entries(after.childrenMs).map(([name, ms]): [string, number] => [name, Math.max(0, ms - (before.childrenMs[name] ?? 0))]);
  return { ownMs: after.ownMs - before.ownMs, childrenMs: Object.fromEntries(childrenMs) };
}
