import { setTimeout as sleep } from 'node:timers/promises';

import { inParallel } from './in-parallel.js';
import { localAddress } from './local-addresses.js';
import { PairDriver } from './pair-driver.js';
import { Recorder, type Counts, type LatencySummary, type Stage } from './recorder.js';
import type { LoadPair, Wire } from './wire.js';

const openAtOnce = 64;
const drainTimeoutMs = 15_000;
const drainPollMs = 20;
const noticeMs = 20;

/** Closed: each pair keeps `window` messages under way. Open: messages start at their times, whatever the server does. */
export type LoadShape = { readonly kind: 'closed'; readonly window: number } | { readonly kind: 'open'; readonly perSecond: number };

export interface LoadOptions {
  /** `ws://` or `wss://`, with path. */
  readonly url: string;
  readonly wire: Wire;
  readonly pairs: readonly LoadPair[];
  readonly shape: LoadShape;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Called 20 ms before the measured time begins, so that what it does (reading CPU times, say) delays no message that counts, and at its end. */
  readonly onMeasureStart?: () => void;
  readonly onMeasureEnd?: () => void;
}

export interface LoadReport {
  readonly measuredMs: number;
  /** Exchanges that ended in the measured time: a message with its delivered receipt back at the sender. */
  readonly exchanges: number;
  readonly exchangesPerSecond: number;
  readonly latency: Readonly<Record<Stage, LatencySummary>>;
  /** How late the generator itself sent; part of every latency. */
  readonly lateness: LatencySummary;
  readonly counts: Counts;
  /** Sent, not refused, and still without receipt 15 s after the last send. */
  readonly unfinished: number;
}

/** Connects all pairs, loads the server, waits for what is under way, disconnects. Rejects when a session cannot be opened. */
export async function generateLoad(options: LoadOptions): Promise<LoadReport> {
  const { url, wire, pairs, shape, warmUpMs, measureMs } = options;
  const recorder = new Recorder();
  const running = { value: false };
  const again = (pair: PairDriver, count: number): void => {
    if (!running.value || shape.kind === 'open') return;
    const nowMs = performance.now();
    for (let sent = 0; sent < count; sent++) pair.send(nowMs);
  };
  const { hostname } = new URL(url);
  const drivers: PairDriver[] = [];
  try {
    await inParallel(pairs, openAtOnce, async (pair, index) => {
      const driver = new PairDriver({ url, wire, pair, localAddress: localAddress(hostname, 2 * index) }, recorder, again);
      drivers.push(driver);
      await driver.open();
    });
    const startMs = performance.now();
    const fromMs = startMs + warmUpMs;
    recorder.measure(fromMs, fromMs + measureMs);
    running.value = true;
    const schedule = startSending(drivers, shape, startMs, () => running.value);
    await sleepUntil(fromMs - noticeMs);
    options.onMeasureStart?.();
    await sleepUntil(fromMs + measureMs);
    options.onMeasureEnd?.();
    running.value = false;
    await schedule;
    const unfinished = await drain(drivers);
    return report(recorder, measureMs, unfinished);
  } finally {
    running.value = false;
    await Promise.all(drivers.map((driver) => driver.close()));
  }
}

/** Resolves when nothing is sent by schedule any more. */
async function startSending(drivers: readonly PairDriver[], shape: LoadShape, startMs: number, running: () => boolean): Promise<void> {
  if (shape.kind === 'closed') fillWindows(drivers, shape.window);
  else await sendOnSchedule(drivers, shape.perSecond, startMs, running);
}

function fillWindows(drivers: readonly PairDriver[], window: number): void {
  const nowMs = performance.now();
  for (const driver of drivers) {
    for (let sent = 0; sent < window; sent++) driver.send(nowMs);
  }
}

/**
 * Message n is due at `startMs + n / perSecond`, on the pairs in turn. A message that is sent late keeps its due time,
 * so that a server (or generator) that stalls is charged for everybody who waited.
 */
async function sendOnSchedule(drivers: readonly PairDriver[], perSecond: number, startMs: number, running: () => boolean): Promise<void> {
  const intervalMs = 1000 / perSecond;
  for (let count = 0; running();) {
    const nowMs = performance.now();
    for (let dueMs = startMs + count * intervalMs; dueMs <= nowMs; dueMs = startMs + count * intervalMs) {
      drivers[count % drivers.length]?.send(dueMs);
      count += 1;
    }
    await sleep(startMs + count * intervalMs - performance.now());
  }
}

async function sleepUntil(atMs: number): Promise<void> {
  await sleep(Math.max(0, atMs - performance.now()));
}

/** Waits for receipts that can still come, up to a bound; answers how many are missing then. */
async function drain(drivers: readonly PairDriver[]): Promise<number> {
  const deadlineMs = performance.now() + drainTimeoutMs;
  while (drivers.some((driver) => driver.connected && driver.unfinished > 0) && performance.now() < deadlineMs) await sleep(drainPollMs);
  return drivers.reduce((sum, driver) => sum + driver.unfinished, 0);
}

function report(recorder: Recorder, measuredMs: number, unfinished: number): LoadReport {
  return {
    measuredMs,
    exchanges: recorder.completed,
    exchangesPerSecond: recorder.completed / (measuredMs / 1000),
    latency: { accepted: recorder.latency('accepted'), delivered: recorder.latency('delivered'), receipted: recorder.latency('receipted') },
    lateness: recorder.lateness(),
    counts: recorder.counts(),
    unfinished,
  };
}
