import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** As the column from 0. */
  readonly lineNumber: number;
  readonly columnNumber: number;
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

/** The profile of a process's main thread from the directory that `--cpu-prof-dir` named, with the places of the sources it was built from. Throws when there is none. */
export function readMainThreadProfile(directory: string, pid: number): CpuProfile {
  const file = readdirSync(directory).find((name) => name.includes(`.${pid}.0.`) && name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the server wrote no profile');
  const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
  const maps = new Map<string, SourceMap | undefined>();
  return { ...profile, nodes: profile.nodes.map((node) => ({ ...node, callFrame: inItsSource(node.callFrame, maps) })) };
}

function inItsSource(frame: CallFrame, maps: Map<string, SourceMap | undefined>): CallFrame {
  const { url, lineNumber, columnNumber } = frame;
  if (!maps.has(url)) maps.set(url, sourceMapOf(url));
  const found = maps.get(url)?.findEntry(lineNumber, columnNumber);
  if (found === undefined || !('originalSource' in found)) return frame;
  return { ...frame, url: new URL(found.originalSource, url).href, lineNumber: found.originalLine, columnNumber: found.originalColumn };
}

function sourceMapOf(url: string): SourceMap | undefined {
  const path = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
  return existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload) : undefined;
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
  return inPackage?.[1] ?? path.split('/')[0] ?? path;
}

function pathOf(url: string, root: string): string {
  return url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
}
