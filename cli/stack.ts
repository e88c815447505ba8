import { readFileSync } from 'node:fs';

import { Command } from 'commander';

import { stackEndpoints } from '../app/stack/endpoints.js';
import { engineNames, processNames, Stack, type EngineStatus, type Started } from '../app/stack/stack.js';

const directory = '.stack';
const nameWidth = 18;
const help = `
Engines: ${engineNames.join(', ')}.
Processes of Heliograph: ${processNames.join(', ')}.
Their data and output are in ${directory}/ of the present directory.
\`npm run stack\` does the same, and installs what is missing before.`;

/** `heliograph stack`: the engines of the distributed profile, without containers. */
export function createStackCommand(): Command {
  const stack = () => new Stack(directory);
  const command = new Command('stack')
    .description('Runs Kafka, Cassandra, Redis, an S3 server, PostgreSQL and Temporal on this machine, for development and tests')
    .addHelpText('after', help);
  command
    .command('start', { isDefault: true })
    .description('starts the engines that do not run, and waits until all are ready')
    .option('--processes', 'and two processes of each role of Heliograph, with HAProxy in front')
    .action(async ({ processes = false }: { readonly processes?: boolean }) => {
      const own = stack();
      await own.startEngines(tell);
      if (processes) await own.startProcesses(tell);
      console.log(`\n${table(own.status())}\n`);
      if (processes) console.log(`  Heliograph:      ${stackEndpoints.publicUrl}`);
      console.log(`  Temporal Web UI: ${stackEndpoints.temporalUiUrl}\n  npm run stack -- stop ends them; data stay.`);
    });
  command
    .command('stop')
    .description('ends all of them')
    .action(() => stack().stop());
  command
    .command('status')
    .description('shows which of them run, where, and how much memory they hold')
    .action(() => {
      console.log(table(stack().status()));
    });
  command
    .command('logs <name>')
    .description('shows what one wrote since it was started')
    .action((name: string) => {
      process.stdout.write(readFileSync(stack().outputFile(name)));
    });
  command
    .command('kill <name>')
    .description('ends one as a crash would (SIGKILL)')
    .action((name: string) => stack().kill(name));
  command
    .command('restart <name>')
    .description('stops one if it runs, and starts it')
    .action((name: string) => stack().restart(name));
  return command;
}

const tell: Started = (name, tookMs) => {
  console.log(`  ${name.padEnd(nameWidth)} ready after ${(tookMs / 1_000).toFixed(1)} s`);
};

function table(engines: readonly EngineStatus[]): string {
  const rows = engines.map(({ name, port, pid, memoryBytes }) => [
    name,
    `127.0.0.1:${port}`,
    pid === undefined ? 'stopped' : `pid ${pid}`,
    memoryBytes === undefined ? '' : `${Math.round(memoryBytes / 1_048_576)} MiB`,
  ]);
  return rows
    .map(([name = '', address = '', state = '', memory = '']) => `  ${name.padEnd(nameWidth)} ${address.padEnd(16)} ${state.padEnd(12)} ${memory}`)
    .join('\n');
}
