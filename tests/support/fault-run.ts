import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, describe, expect, test } from '@jest/globals';

import { ConversationLoad } from './conversation-load.js';
import type { RunningServer } from './server.js';

export interface Fault {
  readonly what: string;
  readonly breaks: () => unknown;
  readonly lastsMs: number;
  readonly mends: () => unknown;
  /** No message waits longer for its `accepted`. */
  readonly acceptedWithinMs: number;
}

/** Of one device: 60 messages a second in all, which also a slow machine bears. */
export const talking = { pairs: 6, everyMs: 200 };
/** Far above what is usual (docs/operations.md): a test on a busy machine is no measurement. */
export const goesOnMs = 8_000;
export const settleMs = 90_000;

const columns = 'what | accepted | longest wait for `accepted` | all is well after | duplicates removed';

/** A test for each fault; what it cost is printed as a table at the end. */
export function surviveEach(server: () => RunningServer, faults: readonly Fault[]): void {
  describe('while devices talk', () => {
    const rows: string[] = [];
    afterAll(() => {
      console.log([columns, ...rows].join('\n'));
    });

    test.each(faults)(
      '$what loses nothing and keeps the order',
      async (fault) => {
        rows.push(await survive(server(), fault));
      },
      240_000,
    );
  });
}

/** Devices talk while it breaks and mends. Throws what was lost or came out of order, and a wait that was too long; answers a row under `columns`. */
async function survive(server: RunningServer, { what, breaks, lastsMs, mends, acceptedWithinMs }: Fault): Promise<string> {
  const load = await ConversationLoad.start(server, talking);
  try {
    await sleep(1_000);
    load.takeLongestWaitMs();
    await breaks();
    await sleep(lastsMs);
    await mends();
    const mendedAtMs = performance.now();
    await sleep(1_000);
    await load.settle(settleMs);
    const longestMs = load.takeLongestWaitMs();
    expect(longestMs).toBeLessThan(acceptedWithinMs);
    const wellAfter = ((performance.now() - mendedAtMs) / 1_000).toFixed(1);
    return `${what} | ${load.accepted} | ${Math.round(longestMs)} ms | ${wellAfter} s | ${load.duplicates}`;
  } finally {
    await load.close();
  }
}
