import type { Clock } from '../../ports/clock.js';

const lookEveryMs = 2_000;
/** It is the same process as long as it runs, and another one after it failed. */
const startAgainAfterMs = 60_000;

export interface Startable<Item> {
  /** What is not done. */
  readonly list: () => Promise<readonly Item[]>;
  readonly idOf: (item: Item) => string;
  /** Resolves when the workflow engine has taken it over; once more is the same process. */
  readonly start: (item: Item) => Promise<void>;
  readonly found?: (item: Item) => void;
  readonly failed: (error: unknown) => void;
  readonly clock: Clock;
}

/** Looks for what is to be done durably, and sees to it that the workflow engine does it, as soon as that is there. Any number of processes may: each thing is started once. */
export async function keepStarting<Item>({ list, idOf, start, found, failed, clock }: Startable<Item>, signal: AbortSignal): Promise<void> {
  /** When it was started from here; `undefined`: not yet. */
  const known = new Map<string, number | undefined>();
  while (!signal.aborted) {
    try {
      const items = await list();
      const ids = new Set(items.map(idOf));
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
      for (const item of items) {
        const id = idOf(item);
        if (!known.has(id)) {
          found?.(item);
          known.set(id, undefined);
        }
        const startedAtMs = known.get(id);
        if (startedAtMs !== undefined && clock.nowMs() - startedAtMs < startAgainAfterMs) continue;
        await start(item).then(() => known.set(id, clock.nowMs()), failed);
      }
    } catch (error) {
      failed(error);
    }
    await clock.sleep(lookEveryMs, signal).catch(() => undefined);
  }
}
