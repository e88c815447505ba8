import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Command } from 'commander';

import { openDevice } from '../../sdk/index.js';
import { ChatSession } from './chat-session.js';
import { createScreen } from './screen.js';

interface ChatFlags {
  readonly handle: string;
  readonly with?: string;
  readonly server: string;
  readonly directory?: string;
  readonly passphraseFile?: string;
}

const help = `
The first time, the handle is registered and the device's keys are made in its directory; later the same directory is opened again.
Behind a message: ⏳ kept here, ✓ stored by the server, ✓✓ on the other device, blue ✓✓ read there.

With input from a pipe every line is sent, and the command ends when all of it is accepted.`;

/** The commands wait so long for what was piped in to be accepted. */
const lingerMs = 60_000;

/** `heliograph chat`. */
export function createChatCommand(): Command {
  return new Command('chat')
    .description('Talks to people from the terminal, end-to-end encrypted')
    .requiredOption('--handle <handle>', 'who you are')
    .option('--with <handle>', 'whom to talk to')
    .option('--server <url>', 'the server', 'http://127.0.0.1:8080')
    .option('--directory <path>', "the device's own directory (default: .heliograph-devices/<handle>)")
    .option('--passphrase-file <path>', 'a file that holds the passphrase which protects the directory')
    .addHelpText('after', help)
    .action(chat);
}

async function chat(flags: ChatFlags): Promise<void> {
  const { handle, server, directory = join('.heliograph-devices', handle), passphraseFile } = flags;
  const device = await openDevice({
    ...{ server, directory, handle },
    deviceName: 'heliograph chat',
    passphrase: passphraseFile === undefined ? undefined : readFileSync(passphraseFile, 'utf8').trim(),
  });
  const screen = createScreen(process.stdin, process.stdout);
  const session = new ChatSession(device, screen);
  device.on('stopped', ({ error }) => {
    screen.print(`! The server ended this device: ${error instanceof Error ? error.message : String(error)}`);
    screen.close();
  });
  process.once('SIGTERM', () => {
    screen.close();
  });
  device.connect();
  await session.run(flags.with);
  if (!screen.redraws) await Promise.race([device.idle(), new Promise((resolve) => setTimeout(resolve, lingerMs).unref())]);
  screen.close();
  await device.close();
}
