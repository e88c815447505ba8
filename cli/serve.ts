import { Command } from 'commander';

import { serve } from '../app/serve.js';

const help = `
Settings come from HELIOGRAPH_* environment variables, see docs/configuration.md. \`npm start\` does the same, and installs what is missing before.`;

/** `heliograph serve`. */
export function createServeCommand(): Command {
  return new Command('serve')
    .description('Runs a server on this machine: gateway, pipeline, Temporal worker, with PostgreSQL and Temporal beside them')
    .addHelpText('after', help)
    .action(serve);
}
