import type { Logger } from 'pino';
import { Counter, Histogram, type Registry } from 'prom-client';

/** What happens at the REST edge. */
export interface RestEvents {
  answered(request: { readonly operation: string; readonly status: number; readonly tookMs: number }): void;
  /** A bundle was handed out, with which kind of KEM key. */
  prekeysClaimed(kem: 'one-time' | 'last-resort'): void;
  /** A device is told that few of its one-time prekeys are left, or none. */
  prekeysScarce(): void;
  /** A fault of ours: logged with its stack, shown to the client as `internal`. */
  failed(error: unknown): void;
}

export function createRestEvents(logger: Logger, registry: Registry): RestEvents {
  const registers = [registry];
  const requests = new Counter({
    name: 'heliograph_rest_requests_total',
    help: 'REST requests, by operation and status.',
    labelNames: ['operation', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'heliograph_rest_request_seconds',
    help: 'How long REST requests took.',
    labelNames: ['operation'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
    registers,
  });
  const bundles = new Counter({
    name: 'heliograph_rest_prekey_bundles_total',
    help: 'Prekey bundles handed out, by the KEM key in them: one-time, or last-resort where a device has none left.',
    labelNames: ['kem'],
    registers,
  });
  const scarce = new Counter({
    name: 'heliograph_rest_prekeys_scarce_total',
    help: 'Times a device was told that few of its one-time prekeys are left, or none.',
    registers,
  });
  const failures = new Counter({ name: 'heliograph_rest_internal_errors_total', help: 'Faults of the REST edge itself.', registers });
  return {
    answered: ({ operation, status, tookMs }) => {
      requests.inc({ operation, status });
      seconds.observe({ operation }, tookMs / 1_000);
    },
    prekeysClaimed: (kem) => {
      bundles.inc({ kem });
    },
    prekeysScarce: () => {
      scarce.inc();
    },
    failed: (error) => {
      failures.inc();
      logger.error({ err: error }, 'rest fault');
    },
  };
}
