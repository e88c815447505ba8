import { setTimeout as sleep } from 'node:timers/promises';

import { openIdleSessions, type IdleSessions } from '../load/idle-sessions.js';
import { readTreeUsage } from '../process/process-tree.js';
import type { Target } from '../targets/target.js';

const warmUpSessions = 500;
const steps = 3;
/** Longer than a heartbeat and its answer, so that each session has been through one. */
const settleMs = 40_000;

export interface IdleStep {
  readonly sessions: number;
  readonly rssBytes: number;
}

export interface IdleMeasurement {
  readonly target: string;
  /** Without sessions, after 500 were there and went. */
  readonly baseRssBytes: number;
  readonly steps: readonly IdleStep[];
  readonly bytesPerSession: number;
}

/**
 * RSS of the server's Node process per session that only sits there: difference between none and all, on a server that was
 * started again after the devices were registered. Rejects where /proc is missing, and when a session is lost.
 */
export async function measureIdleSessions(started: Target, sessions: number, tell: (line: string) => void): Promise<IdleMeasurement> {
  const devices = await started.devices(sessions);
  const target = await started.restart();
  const opened: IdleSessions[] = [];
  try {
    const warmUp = await openIdleSessions(target.url, target.wire, devices.slice(0, warmUpSessions));
    await warmUp.close();
    const baseRssBytes = await settledRss(target);
    const measured: IdleStep[] = [];
    for (let step = 1; step <= steps; step++) {
      const from = Math.round((sessions * (step - 1)) / steps);
      const until = Math.round((sessions * step) / steps);
      opened.push(await openIdleSessions(target.url, target.wire, devices.slice(from, until)));
      const rssBytes = await settledRss(target);
      measured.push({ sessions: until, rssBytes });
      tell(`${target.name}: ${until} idle sessions, ${Math.round((rssBytes - baseRssBytes) / until)} bytes of RSS each`);
    }
    const lost = opened.reduce((sum, part) => sum + part.lost(), 0);
    if (lost > 0) throw new Error(`${target.name}: ${lost} of ${sessions} idle sessions were closed`);
    const last = measured.at(-1)?.rssBytes ?? baseRssBytes;
    return { target: target.name, baseRssBytes, steps: measured, bytesPerSession: (last - baseRssBytes) / sessions };
  } finally {
    await Promise.all(opened.map((part) => part.close()));
    await target.stop();
  }
}

async function settledRss(target: Target): Promise<number> {
  await sleep(settleMs);
  const usage = readTreeUsage(target.server.pid);
  if (usage === undefined) throw new Error('memory is measured through /proc, which this system does not have');
  return usage.own.rssBytes;
}
