import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** A `.cpuprofile` as V8 writes it; times in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  readonly name: string;
  readonly selfMs: number;
}

export interface ProfileSummary {
  readonly totalMs: number;
  readonly functions: readonly SelfTime[];
  /** By room of this repository or by package. */
  readonly rooms: readonly SelfTime[];
}

/** The profile of a process's main thread from the directory that `--cpu-prof-dir` named. Throws when there is none. */
export function readMainThreadProfile(directory: string, pid: number): CpuProfile {
  const file = readdirSync(directory).find((name) => name.includes(`.${pid}.0.`) && name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the server wrote no profile');
  return JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
}

/** Self time of the samples between two times of the monotonic clock, in microseconds; the largest first. */
export function summariseProfile(profile: CpuProfile, root: string, fromUs: number, untilUs: number): ProfileSummary {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const rooms = new Map<string, number>();
  let atUs = profile.startTime;
  let totalUs = 0;
  profile.samples.forEach((nodeId, index) => {
    atUs += profile.timeDeltas[index] ?? 0;
    const frame = frames.get(nodeId);
    if (frame === undefined || atUs < fromUs || atUs >= untilUs) return;
    const durationUs = profile.timeDeltas[index + 1] ?? 0;
    totalUs += durationUs;
    add(functions, nameOf(frame, root), durationUs);
    add(rooms, roomOf(frame, root), durationUs);
  });
  return { totalMs: totalUs / 1000, functions: sorted(functions), rooms: sorted(rooms) };
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function sorted(sums: ReadonlyMap<string, number>): readonly SelfTime[] {
  return [...sums].map(([name, us]) => ({ name, selfMs: us / 1000 })).sort((one, other) => other.selfMs - one.selfMs);
}

function nameOf({ functionName, url, lineNumber }: CallFrame, root: string): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${pathOf(url, root)}:${lineNumber + 1}`;
}

function roomOf({ functionName, url }: CallFrame, root: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  if (url.startsWith('node:')) return url.split('/')[0] ?? url;
  const path = pathOf(url, root);
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
  return inPackage?.[1] ?? path.split('/').slice(0, 2).join('/');
}

function pathOf(url: string, root: string): string {
  return url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
}
