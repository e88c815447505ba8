import { Command } from 'commander';

import { stackSettings } from '../app/stack/role-processes.js';

const help = `
Every start does the same; this is for those who want it done before. It may run twice, and several times at once.
Settings come from HELIOGRAPH_* environment variables, see docs/configuration.md. The embedded profile migrates when it starts.`;

/** `heliograph migrate`. */
export function createMigrateCommand(): Command {
  return new Command('migrate')
    .description('Makes topics, tables, database and bucket of the distributed profile, or brings them up to this version')
    .option('--stack', 'on the engines of `npm run stack`')
    .addHelpText('after', help)
    .action(async ({ stack = false }: { readonly stack?: boolean }) => {
      // Every engine's client: help does without them.
      const { migrate } = await import('../app/migrate.js');
      await migrate(stack ? stackSettings : {});
    });
}
