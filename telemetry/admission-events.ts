import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

/** What happens to devices that a gateway cannot let in at once. */
export interface AdmissionEvents {
  /** A hello got a turn in the line instead of a session; `waited`: it had come for one. */
  turnedAway(waited: boolean): void;
  /** Nobody knows the line: devices are told to come back at random. */
  lineAway(error: unknown): void;
}

export function createAdmissionEvents(logger: Logger, registry: Registry): AdmissionEvents {
  const registers = [registry];
  const turnedAway = new Counter({
    name: 'heliograph_gateway_turned_away_total',
    help: 'Hellos that got a turn in the line instead of a session, by whether they had come for one.',
    labelNames: ['waited'],
    registers,
  });
  const lineAway = new Counter({ name: 'heliograph_gateway_line_failures_total', help: 'Times the line could not be asked.', registers });
  return {
    turnedAway: (waited) => turnedAway.inc({ waited: `${waited}` }),
    lineAway: (error) => {
      lineAway.inc();
      logger.debug({ err: error }, 'the line of waiting devices cannot be asked');
    },
  };
}
