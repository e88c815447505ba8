import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

import type { RemovalCounts, RemovalKind } from '../core/removal-plan.js';

/** What is removed everywhere: metrics, and a log line that names nobody. */
export interface RemovalEvents {
  finished(kind: RemovalKind, removed: RemovalCounts): void;
}

/** What whoever starts removals meets. */
export interface RemovalStartEvents {
  /** The directory could not be asked, or the workflow engine is away. */
  startFailed(error: unknown): void;
}

export function createRemovalEvents(logger: Logger, registry: Registry): RemovalEvents {
  const finished = new Counter({
    name: 'heliograph_removals_finished_total',
    help: 'Unlinked devices and erased accounts of which nothing is left.',
    labelNames: ['kind'],
    registers: [registry],
  });
  return {
    finished: (kind, removed) => {
      finished.inc({ kind });
      logger.info({ kind, ...removed }, 'nothing is left of what was removed');
    },
  };
}

export function createRemovalStartEvents(logger: Logger): RemovalStartEvents {
  return {
    startFailed: (error) => {
      logger.debug({ err: error }, 'the removal of an unlinked device or an erased account starts later');
    },
  };
}
