import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';

import type { DeletedMedia } from '../ports/media.js';
import type { MediaEnd } from '../protocol/rest/media.js';

/** What becomes of files, as gateways see it. */
export interface MediaEvents {
  /** A URL was given out. */
  signed(kind: 'upload' | 'download'): void;
  /** The workflow of a bucket could not be started: the sweep does it. */
  startFailed(error: unknown): void;
  /** What the sweep found due and not deleted, by the buckets it is in. */
  overdue(buckets: number): void;
  /** The sweep could not look. */
  sweepFailed(error: unknown): void;
}

/** What workers delete. */
export interface MediaExpiryEvents {
  deleted(media: readonly DeletedMedia[]): void;
}

export function createMediaEvents(logger: Logger, registry: Registry): MediaEvents {
  const registers = [registry];
  const signed = new Counter({ name: 'heliograph_media_urls_total', help: 'URLs given out for files.', labelNames: ['kind'], registers });
  const overdue = new Gauge({ name: 'heliograph_media_overdue_buckets', help: 'Buckets with files that are due and not deleted.', registers });
  return {
    signed: (kind) => {
      signed.inc({ kind });
    },
    startFailed: (error) => {
      logger.debug({ err: error }, 'an expiry of files starts later');
    },
    overdue: (buckets) => {
      overdue.set(buckets);
      if (buckets > 0) logger.warn({ buckets }, 'files are due and not deleted, their expiry is started again');
    },
    sweepFailed: (error) => {
      logger.debug({ err: error }, 'nobody could look for files that are overdue');
    },
  };
}

export function createMediaExpiryEvents(logger: Logger, registry: Registry): MediaExpiryEvents {
  const labelNames = ['reason'];
  const files = new Counter({ name: 'heliograph_media_deleted_total', help: 'Files deleted, by reason.', labelNames, registers: [registry] });
  const bytes = new Counter({ name: 'heliograph_media_deleted_bytes_total', help: 'Their bytes.', labelNames, registers: [registry] });
  return {
    deleted: (media) => {
      const counts: Partial<Record<MediaEnd, number>> = {};
      for (const { reason, size } of media) {
        files.inc({ reason });
        bytes.inc({ reason }, size);
        counts[reason] = (counts[reason] ?? 0) + 1;
      }
      if (media.length > 0) logger.info(counts, 'files were deleted');
    },
  };
}
