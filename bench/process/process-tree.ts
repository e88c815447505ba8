import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks a second in /proc; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;
const pageBytes = 4096;

interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  readonly name: string;
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** What one program of a process tree used since it started. */
export interface ProgramUsage {
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** CPU time and memory of the process itself, and of its descendants by program. */
export interface TreeUsage {
  readonly own: ProgramUsage;
  readonly children: Readonly<Record<string, ProgramUsage>>;
}

/** Reads /proc, so Linux only: elsewhere, or when the process is gone, `undefined`. */
export function readTreeUsage(pid: number): TreeUsage | undefined {
  const all = readAll();
  const own = all.find((process) => process.pid === pid);
  if (own === undefined) return undefined;
  const children: Record<string, ProgramUsage> = {};
  for (const { name, cpuMs, rssBytes } of descendants(all, pid)) {
    const sum = children[name];
    children[name] = { cpuMs: cpuMs + (sum?.cpuMs ?? 0), rssBytes: rssBytes + (sum?.rssBytes ?? 0) };
  }
  return { own: { cpuMs: own.cpuMs, rssBytes: own.rssBytes }, children };
}

function descendants(all: readonly ProcessStat[], pid: number): readonly ProcessStat[] {
  const direct = all.filter(({ parentPid }) => parentPid === pid);
  return direct.flatMap((child) => [child, ...descendants(all, child.pid)]);
}

function readAll(): readonly ProcessStat[] {
  let entries: readonly string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  return entries.filter((entry) => /^\d+$/.test(entry)).flatMap((entry) => readStat(Number(entry)));
}

function readStat(pid: number): readonly ProcessStat[] {
  try {
    return [parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'))];
  } catch {
    // It ended between the listing and the look.
    return [];
  }
}

/** A line of /proc/<pid>/stat (proc(5)): the name is in parentheses and may hold anything, the rest are numbers by place. */
export function parseStat(pid: number, line: string): ProcessStat {
  const nameEnd = line.lastIndexOf(')');
  const fields = line.slice(nameEnd + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid,
    parentPid: field(4),
    name: line.slice(line.indexOf('(') + 1, nameEnd),
    cpuMs: ((field(14) + field(15)) * 1000) / ticksPerSecond,
    rssBytes: field(24) * pageBytes,
  };
}
