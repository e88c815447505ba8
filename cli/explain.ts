import type { Command } from 'commander';

import { explanationDetail } from '../protocol/rest/explanation.js';
import { renderExplanation } from './explain/render-explanation.js';
import { createOperatorCommand } from './operator/operator-command.js';
import { showAnswer, type OperatorFlags } from './operator/show-answer.js';

/** `heliograph explain`. */
export function createExplainCommand(): Command {
  return createOperatorCommand('explain')
    .description('Shows where a message is for each device, and why')
    .argument('<message-id>', 'the message')
    .addHelpText('after', 'What the states mean: docs/explain.md.')
    .action(async (messageId: string, flags: OperatorFlags) => {
      await showAnswer(`messages/${encodeURIComponent(messageId)}/explain`, { schema: explanationDetail, render: renderExplanation }, flags);
    });
}
