import { setTimeout as sleep } from 'node:timers/promises';

import { openIdleSessions, type IdleSessions } from '../load/idle-sessions.js';
import { readTreeUsage } from '../process/process-tree.js';
import type { Target } from '../targets/target.js';

const warmUpSessions = 500;
const steps = 3;
/** Longer than a heartbeat and its answer, so that each session has been through one. */
const settleMs = 40_000;
/** For the collection, and for the pages that it frees. */
const collectMs = 3_000;

/** RSS as it was found, and after a garbage collection. */
export interface SettledRss {
  readonly rssBytes: number;
  readonly collectedBytes: number;
}

export interface IdleStep extends SettledRss {
  readonly sessions: number;
}

export interface IdleMeasurement {
  readonly target: string;
  /** Without sessions, after 500 were there and went. */
  readonly base: SettledRss;
  readonly steps: readonly IdleStep[];
}

/**
 * RSS of the server's Node process with sessions that only sit there, on a server that was started again after the devices were registered.
 * Rejects where /proc is missing, and when a session is lost.
 */
export async function measureIdleSessions(started: Target, sessions: number, tell: (line: string) => void): Promise<IdleMeasurement> {
  const devices = await started.devices(sessions);
  const target = await started.restart();
  const urls = target.sessionHolders.map(({ url }) => url);
  const opened: IdleSessions[] = [];
  try {
    const warmUp = await openIdleSessions(urls, target.wire, devices.slice(0, warmUpSessions));
    await warmUp.close();
    const base = await settledRss(target);
    const measured: IdleStep[] = [];
    for (let step = 1; step <= steps; step++) {
      const from = Math.round((sessions * (step - 1)) / steps);
      const until = Math.round((sessions * step) / steps);
      opened.push(await openIdleSessions(urls, target.wire, devices.slice(from, until)));
      const settled = { sessions: until, ...(await settledRss(target)) };
      const before = measured.at(-1) ?? { sessions: 0, ...base };
      measured.push(settled);
      tell(`${target.name}: ${until} idle sessions, ${Math.round(bytesPerSession(before, settled))} bytes of RSS for each that came`);
    }
    const lost = opened.reduce((sum, part) => sum + part.lost(), 0);
    if (lost > 0) throw new Error(`${target.name}: ${lost} of ${sessions} idle sessions were closed`);
    return { target: target.name, base, steps: measured };
  } finally {
    await Promise.all(opened.map((part) => part.close()));
    await target.stop();
  }
}

/** Of the sessions that came between two steps. The first ones also fill what a server has once. */
export function bytesPerSession(before: IdleStep, after: IdleStep): number {
  return (after.collectedBytes - before.collectedBytes) / (after.sessions - before.sessions);
}

async function settledRss({ sessionHolders }: Target): Promise<SettledRss> {
  await sleep(settleMs);
  const rssBytes = rssOf(sessionHolders);
  for (const { pid } of sessionHolders) process.kill(pid, 'SIGUSR2');
  await sleep(collectMs);
  return { rssBytes, collectedBytes: rssOf(sessionHolders) };
}

function rssOf(holders: Target['sessionHolders']): number {
  return holders.reduce((sum, { pid }) => sum + rssOfOne(pid), 0);
}

function rssOfOne(pid: number): number {
  const usage = readTreeUsage(pid);
  if (usage === undefined) throw new Error('memory is measured through /proc, which this system does not have');
  return usage.own.rssBytes;
}
