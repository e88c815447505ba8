import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError, type Connection, type WorkflowStartOptions } from '@temporalio/client';

import { devicesInWords, drainWaveId, type DrainWave } from '../../core/drain-plan.js';
import { deviceLinkId, type LinkPlan } from '../../core/link-plan.js';
import { mediaBucketName, mediaExpiryId, type MediaBucket } from '../../core/media-rules.js';
import { recoveryId, type Recovery } from '../../core/recovery-plan.js';
import { removalWorkflowId, type RemovalPlan } from '../../core/removal-plan.js';
import { accountSearchKey, deviceSearchKey } from '../../core/search-key.js';
import type { DurableWork } from '../../ports/durable-work.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId } from '../../protocol/ids.js';
import { registerSearchAttributes, searchAttributes } from './search-attributes.js';
import type { TemporalConnection } from './temporal-connection.js';

const startDeadlineMs = 1_500;
const retryAfterMs = 1_000;
/** Of 1..5: a single device's way back goes before everything that can wait. */
const priorityKeys = { drain: 1, recovery: 1, link: 2, removal: 3, drainOfHerd: 4, expiry: 5 };
/** gRPC codes by which a cluster says that it keeps its search attributes to itself. */
const refusedCodes: ReadonlySet<number> = new Set([7, 12, 16]);

type SearchAttributeState = 'unknown' | 'present' | 'refused';
type Start = Omit<WorkflowStartOptions, 'taskQueue'>;

/** Starts workflows. Search attributes that the cluster lacks are registered before the first one; where that is not allowed, workflows do without. */
export function createTemporalDurableWork({ client, connection, namespace, taskQueue }: TemporalConnection): DurableWork {
  let state: SearchAttributeState = 'unknown';
  const start = async (type: string, { typedSearchAttributes = [], ...options }: Start) => {
    try {
      await client.withDeadline(Date.now() + startDeadlineMs, async () => {
        if (state === 'unknown') state = await prepareSearchAttributes(connection, namespace);
        await client.workflow.start(type, { ...options, taskQueue, ...(state === 'present' ? { typedSearchAttributes } : {}) });
      });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return;
      throw new DomainError('unavailable', `the workflow engine did not take ${options.workflowId} over`, { retryAfterMs, cause: error });
    }
  };
  return {
    startDrainWave: (wave) => start('drainWave', drainWaveOptions(wave)),
    startMediaExpiry: (bucket) => start('mediaExpiry', mediaExpiryOptions(taskQueue, bucket)),
    startGatewayRecovery: (recovery) => start('gatewayRecovery', gatewayRecoveryOptions(recovery)),
    startRemoval: (removal) => start(removal.kind === 'device' ? 'deviceUnlink' : 'accountErasure', removalOptions(removal)),
    startDeviceLink: (link, accountId) => start('deviceLink', deviceLinkOptions(link, accountId)),
  };
}

function drainWaveOptions(wave: DrainWave): Start {
  const { gatewayId, requests, isHerd = false } = wave;
  const devices = requests.map(({ device }) => deviceSearchKey(device));
  return {
    workflowId: drainWaveId(wave),
    args: [wave],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `drain of ${devicesInWords(requests.length)} of ${gatewayId}`,
    priority: { priorityKey: isHerd ? priorityKeys.drainOfHerd : priorityKeys.drain, fairnessKey: gatewayId },
    typedSearchAttributes: [
      { key: searchAttributes.devices, value: devices },
      { key: searchAttributes.gateway, value: gatewayId },
    ],
  };
}

/** What came into a bucket after its workflow had ended needs another one. */
function mediaExpiryOptions(taskQueue: string, bucket: MediaBucket): Start {
  const name = mediaBucketName(bucket);
  return {
    workflowId: mediaExpiryId(taskQueue, bucket),
    args: [bucket],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    startDelay: Math.max(0, bucket.endMs - Date.now()),
    staticSummary: `deletion of files that are due by ${name}`,
    priority: { priorityKey: priorityKeys.expiry },
    typedSearchAttributes: [{ key: searchAttributes.blobBucket, value: name }],
  };
}

function gatewayRecoveryOptions(recovery: Recovery): Start {
  const { gatewayId } = recovery;
  return {
    workflowId: recoveryId(recovery),
    args: [recovery],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `recovery of the devices of ${gatewayId}`,
    priority: { priorityKey: priorityKeys.recovery },
    typedSearchAttributes: [{ key: searchAttributes.gateway, value: gatewayId }],
  };
}

function removalOptions(removal: RemovalPlan): Start {
  return {
    workflowId: removalWorkflowId(removal),
    args: [removal],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: removal.kind === 'device' ? 'removal of what is left of an unlinked device' : 'removal of what is left of an erased account',
    priority: { priorityKey: priorityKeys.removal },
  };
}

function deviceLinkOptions(link: LinkPlan, accountId: AccountId): Start {
  return {
    workflowId: deviceLinkId(link),
    args: [link],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'link of a new device to an account',
    priority: { priorityKey: priorityKeys.link },
    typedSearchAttributes: [{ key: searchAttributes.account, value: accountSearchKey(accountId) }],
  };
}

async function prepareSearchAttributes(connection: Connection, namespace: string): Promise<SearchAttributeState> {
  try {
    await registerSearchAttributes(connection, namespace);
    return 'present';
  } catch (error) {
    if (isGrpcServiceError(error) && refusedCodes.has(error.code)) return 'refused';
    throw error;
  }
}
