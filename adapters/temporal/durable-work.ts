import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError, type Connection, type WorkflowStartOptions } from '@temporalio/client';

import { deviceSearchKey } from '../../core/device-search-key.js';
import { devicesInWords, drainWaveId, type DrainWave } from '../../core/drain-plan.js';
import type { DurableWork } from '../../ports/durable-work.js';
import { DomainError } from '../../protocol/errors.js';
import { registerSearchAttributes, searchAttributes } from './search-attributes.js';
import type { TemporalConnection } from './temporal-connection.js';

const startDeadlineMs = 1_500;
const retryAfterMs = 1_000;
/** Of 1..5: a single device's way back goes before everything that can wait. */
const drainPriorityKey = 1;
/** gRPC codes by which a cluster says that it keeps its search attributes to itself. */
const refusedCodes: ReadonlySet<number> = new Set([7, 12, 16]);

type SearchAttributeState = 'unknown' | 'present' | 'refused';

/** Starts workflows. Search attributes that the cluster lacks are registered before the first one; where that is not allowed, waves do without. */
export function createTemporalDurableWork({ client, connection, namespace, taskQueue }: TemporalConnection): DurableWork {
  let state: SearchAttributeState = 'unknown';
  return {
    async startDrainWave(wave) {
      try {
        await client.withDeadline(Date.now() + startDeadlineMs, async () => {
          if (state === 'unknown') state = await prepareSearchAttributes(connection, namespace);
          await client.workflow.start('drainWave', { ...drainWaveOptions(wave, state === 'present'), taskQueue });
        });
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return;
        throw new DomainError('unavailable', 'the workflow engine did not take the drain wave', { retryAfterMs, cause: error });
      }
    },
  };
}

function drainWaveOptions(wave: DrainWave, searchable: boolean): Omit<WorkflowStartOptions, 'taskQueue'> {
  const { gatewayId, requests } = wave;
  const devices = requests.map(({ device }) => deviceSearchKey(device));
  return {
    workflowId: drainWaveId(wave),
    args: [wave],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `drain of ${devicesInWords(requests.length)} of ${gatewayId}`,
    priority: { priorityKey: drainPriorityKey, fairnessKey: gatewayId },
    ...(searchable
      ? {
          typedSearchAttributes: [
            { key: searchAttributes.devices, value: devices },
            { key: searchAttributes.gateway, value: gatewayId },
          ],
        }
      : {}),
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
