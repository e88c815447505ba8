import { readFileSync } from 'node:fs';

/** The process that has a directory open. A pid alone is not enough: pids are used again. */
export interface DirectoryHolder {
  readonly pid: number;
  /** Start of the process in clock ticks since boot; empty where the system does not tell. */
  readonly startTicks: string;
}

export function thisHolder(): DirectoryHolder {
  return { pid: process.pid, startTicks: startTicksOf(process.pid) };
}

/** Whether the holder is still running. */
export function isAlive({ pid, startTicks }: DirectoryHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return startTicksOf(pid) === startTicks;
}

function startTicksOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not asked yet.
    return afterName[0] === 'Z' ? 'ended' : (afterName[19] ?? '');
  } catch {
    return '';
  }
}
