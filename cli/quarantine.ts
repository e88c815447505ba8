import type { Command } from 'commander';

import { quarantineList, quarantineRelease } from '../protocol/rest/quarantine.js';
import { createOperatorCommand } from './operator/operator-command.js';
import { showAnswer, type OperatorFlags } from './operator/show-answer.js';
import { renderQuarantine, renderRelease } from './quarantine/render-quarantine.js';

interface QuarantineFlags extends OperatorFlags {
  readonly limit?: string;
  readonly release?: string;
}

/** `heliograph quarantine`. */
export function createQuarantineCommand(): Command {
  return createOperatorCommand('quarantine')
    .description('Lists what is kept from devices that answer and do not ack it, or lets a message go to them again')
    .option('--release <message-id>', 'its devices get it again')
    .option('--limit <count>', 'how many, 1000 at most (100)')
    .addHelpText('after', 'When that happens, and what to do: docs/operations.md.')
    .action(async ({ release, limit, ...flags }: QuarantineFlags) => {
      if (release === undefined) {
        const parameters = new URLSearchParams(limit === undefined ? {} : { limit }).toString();
        await showAnswer(`quarantine?${parameters}`, { schema: quarantineList, render: renderQuarantine }, flags);
      } else {
        const path = `quarantine/${encodeURIComponent(release)}/release`;
        await showAnswer(path, { method: 'POST', schema: quarantineRelease, render: renderRelease }, flags);
      }
    });
}
