import type { DrainRequest, DrainWave } from '../core/drain-plan.js';
import type { LinkPlan } from '../core/link-plan.js';
import type { MediaBucket } from '../core/media-rules.js';
import type { Recovery } from '../core/recovery-plan.js';
import type { RemovalPlan } from '../core/removal-plan.js';
import type { AccountId } from '../protocol/ids.js';

export type { DrainRequest, DrainWave, Recovery, RemovalPlan };

/**
 * Starts long-lived, durable processes. Idempotent by id: starting twice is one process.
 * Throws DomainError `unavailable` within 2 s when the workflow engine is away; the caller decides what happens meanwhile.
 */
export interface DurableWork {
  /** Resolves when the engine has taken the wave over. */
  startDrainWave(wave: DrainWave): Promise<void>;
  /** Resolves when the engine will delete, once the bucket is over, what is due in it. A bucket whose process has ended is begun anew. */
  startMediaExpiry(bucket: MediaBucket): Promise<void>;
  /** Resolves when the engine looks after the devices that the gateway had. One that failed is begun anew. */
  startGatewayRecovery(recovery: Recovery): Promise<void>;
  /** Resolves when the engine removes what is left of a device or an account. One that failed is begun anew. */
  startRemoval(removal: RemovalPlan): Promise<void>;
  /** Resolves when the engine sees to the link, which an operator finds by its account. One that failed is begun anew. */
  startDeviceLink(link: LinkPlan, accountId: AccountId): Promise<void>;
}
