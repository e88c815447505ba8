import type { DrainRequest, DrainWave } from '../core/drain-plan.js';

export type { DrainRequest, DrainWave };

/**
 * Starts long-lived, durable processes. Idempotent by id: starting twice is one process.
 * Throws DomainError `unavailable` within 2 s when the workflow engine is away; the caller decides what happens meanwhile.
 */
export interface DurableWork {
  /** Resolves when the engine has taken the wave over. */
  startDrainWave(wave: DrainWave): Promise<void>;
}
