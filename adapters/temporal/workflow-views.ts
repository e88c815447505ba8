import {
  isGrpcServiceError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
  type WorkflowHandle,
} from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';

import { accountSearchKey, deviceSearchKey } from '../../core/search-key.js';
import type { WorkflowViews } from '../../ports/workflow-views.js';
import { DomainError } from '../../protocol/errors.js';
import type { WorkflowDetail, WorkflowQuery, WorkflowView } from '../../protocol/rest/workflow-view.js';
import { searchAttributes } from './search-attributes.js';
import type { TemporalConnection } from './temporal-connection.js';

const deadlineMs = 5_000;
/** A worker answers, if there is one. */
const detailsDeadlineMs = 2_000;
const retryAfterMs = 1_000;
/** gRPC's INVALID_ARGUMENT. */
const refusedQueryCodes: ReadonlySet<number> = new Set([3]);
/** By every workflow that the SDK runs. */
const metadataQuery = '__temporal_workflow_metadata';
/** Numbers of temporal.api.enums.v1.PendingActivityState. */
const activityStates: ReadonlyMap<number, WorkflowDetail['activities'][number]['state']> = new Map([
  [1, 'waits'],
  [2, 'runs'],
  [3, 'is cancelled'],
]);

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** Of this deployment: another one in the same namespace has another task queue. */
export function createTemporalWorkflowViews({ client, taskQueue }: Pick<TemporalConnection, 'client' | 'taskQueue'>): WorkflowViews {
  return {
    list: (query) =>
      asked(client, async () => {
        const found: WorkflowExecutionInfo[] = [];
        for await (const execution of client.workflow.list({ query: searchOf(query, taskQueue), pageSize: query.limit })) {
          found.push(execution);
          if (found.length === query.limit) break;
        }
        return { workflows: await Promise.all(found.map(async (execution) => viewOf(execution, await summaryOf(client, execution)))) };
      }),
    detail: (workflowId) =>
      asked(client, async () => {
        const handle = client.workflow.getHandle(workflowId);
        const description = await handle.describe();
        const [summary, details] = await Promise.all([description.staticSummary(), detailsOf(client, handle)]);
        return {
          ...viewOf(description, summary),
          ...(details === undefined ? {} : { details }),
          events: description.historyLength,
          activities: (description.raw.pendingActivities ?? []).map(activityOf),
        };
      }),
  };
}

async function asked<Answer>(client: Client, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await client.withDeadline(Date.now() + deadlineMs, ask);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new DomainError('not_found', 'there is no such workflow, or its retention is over');
    if (isGrpcServiceError(error) && refusedQueryCodes.has(error.code))
      throw new DomainError('invalid_request', `Temporal cannot search for that: ${error.details}`);
    throw new DomainError('unavailable', 'the workflow engine does not answer', { retryAfterMs, cause: error });
  }
}

/** In the language of Temporal's visibility store. */
function searchOf({ type, status, gateway, device, account }: WorkflowQuery, taskQueue: string): string {
  const parts = [
    ['TaskQueue', taskQueue],
    ['WorkflowType', type],
    ['ExecutionStatus', status === undefined ? undefined : pascal(status)],
    [searchAttributes.gateway.name, gateway],
    [searchAttributes.devices.name, device && deviceSearchKey(device)],
    [searchAttributes.account.name, account && accountSearchKey(account)],
  ];
  return parts.flatMap(([key, value]) => (value === undefined ? [] : [`${key} = '${value}'`])).join(' AND ');
}

function pascal(status: string): string {
  return status.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function viewOf(execution: Omit<WorkflowExecutionInfo, 'raw'>, summary: string | undefined): WorkflowView {
  const { workflowId, runId, type, status, startTime, closeTime } = execution;
  return {
    ...{ workflowId, runId, type, status: status.name.toLowerCase() },
    ...(summary === undefined ? {} : { summary }),
    startedAtMs: startTime.getTime(),
    ...(closeTime === undefined ? {} : { closedAtMs: closeTime.getTime() }),
  };
}

/** A list does not bring it. */
async function summaryOf(client: Client, { workflowId, runId }: WorkflowExecutionInfo): Promise<string | undefined> {
  try {
    return await (await client.workflow.getHandle(workflowId, runId).describe()).staticSummary();
  } catch (error) {
    // Its retention ended meanwhile.
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function detailsOf(client: Client, handle: WorkflowHandle): Promise<string | undefined> {
  try {
    const query = () => handle.query<{ readonly currentDetails?: string }>(metadataQuery);
    const { currentDetails } = await client.withDeadline(Date.now() + detailsDeadlineMs, query);
    return currentDetails;
  } catch {
    return undefined;
  }
}

function activityOf({ activityType, state, attempt, lastFailure }: PendingActivity): WorkflowDetail['activities'][number] {
  return {
    type: activityType?.name ?? '',
    state: activityStates.get(state ?? 0) ?? 'waits',
    attempt: attempt ?? 1,
    ...(typeof lastFailure?.message !== 'string' ? {} : { lastFailure: lastFailure.message }),
  };
}
