import type { Command } from 'commander';

import { workflowDetail, workflowList } from '../protocol/rest/workflow-view.js';
import { createOperatorCommand } from './operator/operator-command.js';
import { showAnswer, type OperatorFlags } from './operator/show-answer.js';
import { renderWorkflow, renderWorkflows } from './workflows/render-workflows.js';

interface WorkflowsFlags extends OperatorFlags {
  readonly type?: string;
  readonly status?: string;
  readonly gateway?: string;
  readonly device?: string;
  readonly account?: string;
  readonly limit?: string;
}

/** `heliograph workflows`. */
export function createWorkflowsCommand(): Command {
  return createOperatorCommand('workflows')
    .description('Lists what Temporal does and did for the server, the newest first, or shows one workflow')
    .argument('[workflow-id]', 'one of them, with its progress')
    .option('--type <type>', 'only those of this type, for example drainWave')
    .option('--status <status>', 'only those that are running, completed, failed, cancelled, terminated, timed_out ...')
    .option('--gateway <id>', 'only those for this gateway')
    .option('--device <account.device>', 'only drains that this device is in')
    .option('--account <id>', 'only links of devices to this account')
    .option('--limit <count>', 'how many, 100 at most (20)')
    .addHelpText('after', 'What each type does, and the same in the Temporal Web UI: docs/temporal.md.')
    .action(async (workflowId: string | undefined, { json, server, tokenFile, ...query }: WorkflowsFlags) => {
      const flags = { json, server, tokenFile };
      if (workflowId === undefined) {
        const parameters = new URLSearchParams(query as Record<string, string>).toString();
        await showAnswer(`workflows?${parameters}`, { schema: workflowList, render: renderWorkflows }, flags);
      } else {
        await showAnswer(`workflows/${encodeURIComponent(workflowId)}`, { schema: workflowDetail, render: renderWorkflow }, flags);
      }
    });
}
