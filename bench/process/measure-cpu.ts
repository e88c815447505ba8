import { readTreeUsage, type TreeUsage } from './process-tree.js';

/** CPU time spent between two readings, in core-milliseconds. */
export interface CpuSpent {
  readonly ownMs: number;
  readonly childrenMs: Readonly<Record<string, number>>;
}

/** Starts a measurement; the answer ends it. `undefined` where /proc is missing. */
export function measureCpu(pid: number): () => CpuSpent | undefined {
  const before = readTreeUsage(pid);
  return () => {
    const after = readTreeUsage(pid);
    return before === undefined || after === undefined ? undefined : spent(before, after);
  };
}

function spent(before: TreeUsage, after: TreeUsage): CpuSpent {
  const childrenMs: Record<string, number> = {};
  for (const [name, { cpuMs }] of Object.entries(after.children)) childrenMs[name] = Math.max(0, cpuMs - (before.children[name]?.cpuMs ?? 0));
  return { ownMs: after.own.cpuMs - before.own.cpuMs, childrenMs };
}
