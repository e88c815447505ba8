import { sleep } from '@temporalio/workflow';

import type { LinkPlan } from '../../../core/link-plan.js';
import type { MediaBucket } from '../../../core/media-rules.js';
import type { Recovery } from '../../../core/recovery-plan.js';
import type { RemovalPlan } from '../../../core/removal-plan.js';
import type { DrainWave } from '../../../core/drain-plan.js';
import { deviceLink as unchangedLink } from '../../../workflows/device-link.js';
import { drainWave as unchangedWave } from '../../../workflows/drain-wave.js';
import { gatewayRecovery as unchangedRecovery } from '../../../workflows/gateway-recovery.js';
import { mediaExpiry as unchangedExpiry } from '../../../workflows/media-expiry.js';
import { accountErasure as unchangedErasure, deviceUnlink as unchangedUnlink } from '../../../workflows/removal.js';

/** A change that running workflows do not survive: a timer before everything else. */
export async function drainWave(wave: DrainWave): Promise<unknown> {
  await sleep('1 second');
  return unchangedWave(wave);
}

export async function mediaExpiry(bucket: MediaBucket): Promise<unknown> {
  await sleep('1 second');
  return unchangedExpiry(bucket);
}

export async function gatewayRecovery(recovery: Recovery): Promise<unknown> {
  await sleep('1 second');
  return unchangedRecovery(recovery);
}

export async function deviceUnlink(plan: RemovalPlan): Promise<unknown> {
  await sleep('1 second');
  return unchangedUnlink(plan);
}

export async function accountErasure(plan: RemovalPlan): Promise<unknown> {
  await sleep('1 second');
  return unchangedErasure(plan);
}

export async function deviceLink(link: LinkPlan): Promise<unknown> {
  await sleep('1 second');
  return unchangedLink(link);
}
