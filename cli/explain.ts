import type { Command } from 'commander';

import { createOperatorCommand } from './operator/operator-command.js';
import type { OperatorFlags } from './operator/show-answer.js';

/** `heliograph explain`. */
export function createExplainCommand(): Command {
  return createOperatorCommand('explain')
    .description('Shows where a message is for each device, and why')
    .argument('<message-id>', 'the message')
    .addHelpText('after', 'What the states mean: docs/explain.md.')
    .action(async (messageId: string, flags: OperatorFlags) => {
      const { showAnswer } = await import('./operator/show-answer.js');
      const { explanationDetail } = await import('../protocol/rest/explanation.js');
      const { renderExplanation } = await import('./explain/render-explanation.js');
      await showAnswer(`messages/${encodeURIComponent(messageId)}/explain`, { schema: explanationDetail, render: renderExplanation }, flags);
    });
}
