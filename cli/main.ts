#!/usr/bin/env node
import { Command } from 'commander';

import { createChatCommand } from './chat/chat-command.js';
import { complain } from './complain.js';
import { createLinkCommand } from './link.js';
import { createExplainCommand } from './explain.js';
import { createLoadCommand } from './load.js';
import { createMigrateCommand } from './migrate.js';
import { createDrainsCommand } from './drains.js';
import { createQuarantineCommand } from './quarantine.js';
import { createRegistrationCommand } from './registration.js';
import { createServeCommand } from './serve.js';
import { createStackCommand } from './stack.js';
import { createWorkflowsCommand } from './workflows.js';

const program = new Command('heliograph')
  .description('An open messaging backend of the WhatsApp kind, with a client for the terminal')
  .addCommand(createChatCommand())
  .addCommand(createLinkCommand())
  .addCommand(createServeCommand())
  .addCommand(createExplainCommand())
  .addCommand(createWorkflowsCommand())
  .addCommand(createQuarantineCommand())
  .addCommand(createDrainsCommand())
  .addCommand(createLoadCommand())
  .addCommand(createStackCommand())
  .addCommand(createMigrateCommand())
  .addCommand(createRegistrationCommand());

try {
  await program.parseAsync();
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
