import { readFileSync } from 'node:fs';

interface MachineTime {
  readonly total: number;
  readonly stolen: number;
}

/** Starts a measurement; the answer ends it: the share of all cores' time that the host of a virtual machine gave to others (steal, proc(5)). 0 where /proc is missing. */
export function measureStolenTime(): () => number {
  const before = readMachineTime();
  return () => {
    const after = readMachineTime();
    const total = after.total - before.total;
    return total > 0 ? (after.stolen - before.stolen) / total : 0;
  };
}

function readMachineTime(): MachineTime {
  try {
    return parseMachineTime(readFileSync('/proc/stat', 'utf8'));
  } catch {
    return { total: 0, stolen: 0 };
  }
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; what follows is in these already. */
export function parseMachineTime(stat: string): MachineTime {
  const times = (/^cpu +(.*)/.exec(stat)?.[1] ?? '').split(' ').slice(0, 8).map(Number);
  return { total: times.reduce((sum, time) => sum + time, 0), stolen: times[7] ?? 0 };
}
