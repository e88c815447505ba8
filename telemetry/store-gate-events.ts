import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';

/** How drains get to the stores. */
export interface StoreGateEvents {
  /** How many reads this process may have under way for drains. */
  readsAtOnce(limit: number): void;
  /** There was no room for a drain's read for so long that others go first, or an operator holds drains back. */
  heldBack(): void;
}

export function createStoreGateEvents(logger: Logger, registry: Registry): StoreGateEvents {
  const registers = [registry];
  const atOnce = new Gauge({
    name: 'heliograph_drain_reads_at_once',
    help: 'Reads of inboxes and bodies that drains of this process may have under way: 32, fewer while the stores are slow.',
    registers,
  });
  const heldBack = new Counter({ name: 'heliograph_drain_held_back_total', help: 'Drains that waited in vain for room at the stores.', registers });
  return {
    readsAtOnce: (limit) => {
      atOnce.set(limit);
      logger.debug({ limit }, 'drains go at another pace');
    },
    heldBack: () => {
      heldBack.inc();
    },
  };
}
