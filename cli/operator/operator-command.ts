import { Command } from 'commander';

/** A command that asks the admin port of a server, with the operator token. */
export function createOperatorCommand(name: string): Command {
  return new Command(name)
    .option('--server <url>', 'admin address of the server, or of any of its processes', 'http://127.0.0.1:9090')
    .option('--token-file <path>', 'a file with the operator token')
    .option('--json', 'print all of it as JSON', false)
    .addHelpText(
      'after',
      `
Asks the admin port, with the operator token: HELIOGRAPH_OPERATOR_TOKEN, or the one that the server on this machine keeps in its data directory (HELIOGRAPH_DATA_DIR).`,
    );
}
