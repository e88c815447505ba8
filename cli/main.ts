#!/usr/bin/env node
import { Command } from 'commander';

import { complain } from './complain.js';

/** Help lists them in this order. A command that is named is loaded without the others. */
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['chat', async () => (await import('./chat/chat-command.js')).createChatCommand()],
  ['link', async () => (await import('./link.js')).createLinkCommand()],
  ['serve', async () => (await import('./serve.js')).createServeCommand()],
  ['explain', async () => (await import('./explain.js')).createExplainCommand()],
  ['workflows', async () => (await import('./workflows.js')).createWorkflowsCommand()],
  ['quarantine', async () => (await import('./quarantine.js')).createQuarantineCommand()],
  ['drains', async () => (await import('./drains.js')).createDrainsCommand()],
  ['load', async () => (await import('./load.js')).createLoadCommand()],
  ['stack', async () => (await import('./stack.js')).createStackCommand()],
  ['migrate', async () => (await import('./migrate.js')).createMigrateCommand()],
  ['registration', async () => (await import('./registration.js')).createRegistrationCommand()],
]);

const program = new Command('heliograph').description('An open messaging backend of the WhatsApp kind, with a client for the terminal');
const named = commands.get(process.argv[2] ?? '');

try {
  for (const create of named === undefined ? commands.values() : [named]) program.addCommand(await create());
  await program.parseAsync();
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
