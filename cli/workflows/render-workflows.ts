import type { WorkflowDetail, WorkflowList, WorkflowView } from '../../protocol/rest/workflow-view.js';
import { table } from '../operator/table.js';

/** What they are for, by their types. */
const purposes: Readonly<Record<string, string>> = {
  drainWave: 'delivers what waited in the inboxes of devices that came back',
  mediaExpiry: 'deletes files of messages that are due',
  gatewayRecovery: 'looks after the devices of a gateway that was lost',
  deviceLink: 'follows the link of a device until the new device has what was said before',
  deviceUnlink: 'removes what an unlinked device left',
  accountErasure: 'removes what an erased account left',
};

const labelWidth = 12;

/** A line for each. */
export function renderWorkflows({ workflows }: WorkflowList): string {
  if (workflows.length === 0) return 'no such workflows';
  const rows = workflows.map((view) => [timeOf(view.startedAtMs), view.status, tookOf(view), view.type, view.workflowId, view.summary ?? '']);
  return table([['started', 'status', 'took', 'type', 'workflow', 'for'], ...rows]).join('\n');
}

/** One, with its progress. */
export function renderWorkflow(detail: WorkflowDetail): string {
  const { workflowId, runId, type, status, summary, startedAtMs, closedAtMs, events, details, activities } = detail;
  const purpose = purposes[type];
  const lines = [
    line('workflow', workflowId),
    line('run', runId),
    line('type', purpose === undefined ? type : `${type}: ${purpose}`),
    ...(summary === undefined ? [] : [line('for', summary)]),
    line('status', status),
    line('started', timeOf(startedAtMs)),
    ...(closedAtMs === undefined ? [] : [line('closed', `${timeOf(closedAtMs)}, after ${tookOf(detail)}`)]),
    line('history', `${events} events`),
    ...activities.map((activity) => line('activity', activityOf(activity))),
  ];
  return [...lines, '', details ?? 'no worker answers, so its progress is not known'].join('\n');
}

function line(label: string, text: string): string {
  return `${label.padEnd(labelWidth)}${text}`;
}

function activityOf({ type, state, attempt, lastFailure }: WorkflowDetail['activities'][number]): string {
  return `${type} ${state}, attempt ${attempt}${lastFailure === undefined ? '' : `, after: ${lastFailure}`}`;
}

function tookOf({ startedAtMs, closedAtMs }: WorkflowView): string {
  return closedAtMs === undefined ? '' : `${((closedAtMs - startedAtMs) / 1_000).toFixed(1)} s`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
