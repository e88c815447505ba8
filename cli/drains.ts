import { InvalidArgumentError, Option, type Command } from 'commander';

import { maxPauseMinutes } from '../protocol/limits.js';
import { drainPauseView } from '../protocol/rest/drain-pause.js';
import { renderDrainPause } from './drains/render-drain-pause.js';
import { createOperatorCommand } from './operator/operator-command.js';
import { showAnswer, type OperatorFlags } from './operator/show-answer.js';

interface DrainsFlags extends OperatorFlags {
  readonly pause?: number;
  readonly resume?: true;
}

/** `heliograph drains`. */
export function createDrainsCommand(): Command {
  return createOperatorCommand('drains')
    .description('Says whether drains are held back, holds them back, or lets them go on')
    .addOption(new Option('--pause <minutes>', `hold them back, ${maxPauseMinutes} minutes at most`).argParser(minutesOf).conflicts('resume'))
    .option('--resume', 'let them go on')
    .addHelpText('after', 'What that does, and when it helps: docs/operations.md.')
    .action(async ({ pause, resume, ...flags }: DrainsFlags) => {
      const shown = { schema: drainPauseView, render: renderDrainPause };
      if (pause !== undefined) await showAnswer(`drains/pause?minutes=${pause}`, { ...shown, method: 'POST' }, flags);
      else if (resume === true) await showAnswer('drains/resume', { ...shown, method: 'POST' }, flags);
      else await showAnswer('drains', shown, flags);
    });
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > maxPauseMinutes)
    throw new InvalidArgumentError(`a whole number from 1 to ${maxPauseMinutes}.`);
  return minutes;
}
