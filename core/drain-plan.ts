import type { DeviceAddress } from '../protocol/ids.js';

/** The wish of one session to have its device's inbox drained. */
export interface DrainRequest {
  readonly device: DeviceAddress;
  /** Made by the session; names this one wish. */
  readonly token: number;
}

/** Devices of one gateway that are drained together. Its id is `drain/<gatewayId>/<leaseEpoch>/<number>`. */
export interface DrainWave {
  readonly gatewayId: string;
  readonly leaseEpoch: number;
  readonly number: number;
  readonly requests: readonly DrainRequest[];
  /** Of devices that waited in line, many of them: what others wish for goes first. */
  readonly isHerd?: true;
}

/**
 * How one attempt to drain one device ended.
 *
 * For good: `live`: the inbox is empty and the session live. `parked`: the device did not ack in time; its session asks again when it hears from it.
 * `superseded`: the session has a newer drain. `gone`: there is no such session.
 * Not yet: `unfinished`: rows went out, and more are left. `waiting`: the attempt's time ran out while nothing could be sent (bodies that History
 * lacks yet, a gateway without a lease). `lost`: no link to the gateway. `failed`: a store was away, or a fault.
 */
export type DrainOutcome = 'live' | 'parked' | 'superseded' | 'gone' | 'unfinished' | 'waiting' | 'lost' | 'failed';

export interface DrainResult {
  readonly outcome: DrainOutcome;
  /** Rows that left the inbox in this attempt. */
  readonly rows: number;
}

/** Some devices of a wave that are tried together, after a wait. */
export interface DrainRound {
  readonly requests: readonly DrainRequest[];
  readonly waitMs: number;
  /** How many attempts in a row failed before. */
  readonly failures: number;
}

/** Devices of a wave by how they ended, and the rows that went out. */
export interface DrainCounts {
  readonly live: number;
  readonly parked: number;
  readonly superseded: number;
  readonly gone: number;
  /** Every round failed: the session was given up. */
  readonly givenUp: number;
  readonly rows: number;
}

export interface DrainRoundPlan {
  readonly counts: DrainCounts;
  readonly next: readonly DrainRound[];
  readonly giveUp: readonly DrainRequest[];
}

export const noDrains: DrainCounts = { live: 0, parked: 0, superseded: 0, gone: 0, givenUp: 0, rows: 0 };

/** After so many failed rounds in a row the session is closed: reconnecting is the retry. */
export const maxFailedRounds = 10;

const firstBackoffMs = 1_000;
const maxBackoffMs = 60_000;
const waitingPauseMs = 1_000;

/** 1 s after the first failure, doubled after each further one, 60 s at most. */
export function drainBackoffMs(failures: number): number {
  return Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.max(0, failures - 1));
}

export function firstDrainRound(requests: readonly DrainRequest[]): DrainRound {
  return { requests, waitMs: 0, failures: 0 };
}

/**
 * What follows a round: who is done, who is tried again and when, whom to give up. `results` are in the order of the round's requests.
 * Devices that are tried again for different reasons make rounds of their own, so that a backoff delays nobody who could go on.
 */
export function planAfterDrainRound(round: DrainRound, results: readonly DrainResult[]): DrainRoundPlan {
  const tally = { ...noDrains };
  const unfinished: DrainRequest[] = [];
  const waiting: DrainRequest[] = [];
  const failed: DrainRequest[] = [];
  round.requests.forEach((request, index) => {
    const { outcome, rows } = results[index] ?? { outcome: 'failed', rows: 0 };
    tally.rows += rows;
    switch (outcome) {
      case 'live':
      case 'parked':
      case 'superseded':
      case 'gone':
        tally[outcome] += 1;
        return;
      case 'unfinished':
        unfinished.push(request);
        return;
      case 'waiting':
        waiting.push(request);
        return;
      case 'lost':
      case 'failed':
        failed.push(request);
        return;
    }
  });
  const failures = round.failures + 1;
  const exhausted = failures >= maxFailedRounds;
  if (exhausted) tally.givenUp += failed.length;
  const next: DrainRound[] = [
    { requests: unfinished, waitMs: 0, failures: 0 },
    { requests: waiting, waitMs: waitingPauseMs, failures: 0 },
    { requests: exhausted ? [] : failed, waitMs: drainBackoffMs(failures), failures },
  ];
  return { counts: tally, next: next.filter(({ requests }) => requests.length > 0), giveUp: exhausted ? failed : [] };
}

export function addDrainCounts(one: DrainCounts, other: DrainCounts): DrainCounts {
  return {
    live: one.live + other.live,
    parked: one.parked + other.parked,
    superseded: one.superseded + other.superseded,
    gone: one.gone + other.gone,
    givenUp: one.givenUp + other.givenUp,
    rows: one.rows + other.rows,
  };
}

/** Devices that need no further round. */
export function endedDrains(counts: DrainCounts): number {
  return counts.live + counts.parked + counts.superseded + counts.gone + counts.givenUp;
}

export function drainWaveId(wave: Pick<DrainWave, 'gatewayId' | 'leaseEpoch' | 'number'>): string {
  return `drain/${wave.gatewayId}/${wave.leaseEpoch}/${wave.number}`;
}

/** `1 device`, `37 devices`. */
export function devicesInWords(count: number): string {
  return count === 1 ? '1 device' : `${count} devices`;
}
