import { join } from 'node:path';

import { Command, InvalidArgumentError } from 'commander';

import { handle as handleSchema } from '../../protocol/rest/account.js';
import { DomainError, openDevice, SdkError, type Device, type DeviceOptions } from '../../sdk/index.js';
import { passphraseOf } from '../passphrase-file.js';
import { ChatSession } from './chat-session.js';
import { createScreen } from './create-screen.js';

interface ChatFlags {
  readonly handle: string;
  readonly with?: string;
  readonly server: string;
  readonly directory?: string;
  /** The passphrase itself. */
  readonly passphraseFile?: string;
  readonly wait: number;
}

const help = `
The first time, the handle is registered and the device's keys are made in its directory; later the same directory is opened again.
Behind a message: ⏳ kept here, ✓ stored by the server, ✓✓ on the other device, blue ✓✓ read there.

With input from a pipe every line is sent, and at its end the command waits until all of it is accepted and everything that waited at the server is here.
It ends with 1 when something did not work. So this fetches and prints what came meanwhile:

  npx heliograph chat --handle alice --with bob < /dev/null`;

/** `heliograph chat`. */
export function createChatCommand(): Command {
  return new Command('chat')
    .description('Talks to people from the terminal, end-to-end encrypted')
    .requiredOption('--handle <handle>', 'who you are', handleOf)
    .option('--with <handle>', 'whom to talk to', handleOf)
    .option('--server <url>', 'the server', 'http://127.0.0.1:8080')
    .option('--directory <path>', "the device's own directory (default: .heliograph-devices/<handle>)")
    .option('--passphrase-file <path>', 'a file that holds the passphrase which protects the directory', passphraseOf)
    .option('--wait <seconds>', 'how long to wait for the server at the end of piped input', secondsOf, 60)
    .addHelpText('after', help)
    .action(chat);
}

async function chat(flags: ChatFlags): Promise<void> {
  const { handle, server, directory = join('.heliograph-devices', handle), passphraseFile: passphrase } = flags;
  const device = await open({ server, directory, handle, passphrase, deviceName: 'heliograph chat' });
  const screen = createScreen(process.stdin, process.stdout);
  const session = new ChatSession(device, screen);
  const leaving = new AbortController();
  const leave = () => {
    leaving.abort();
    screen.close();
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  let ended: Error | undefined;
  device.on('history', ({ messages }) => {
    screen.print(`  ${messages} messages from before this device was linked are here now.`);
  });
  device.on('stopped', ({ error }) => {
    ended = error instanceof Error ? error : new Error(String(error));
    leave();
  });
  session.listen();
  let troubles: readonly string[] = [];
  try {
    const ranThrough = await session.run(flags.with);
    const enough = AbortSignal.any([leaving.signal, AbortSignal.timeout(flags.wait * 1_000)]);
    const waited = !ranThrough || screen.interactive || (await settled(device, session, enough));
    troubles = [...(waited || leaving.signal.aborted ? [] : [`the server was not reached within ${flags.wait} s`]), ...unsentOf(device)];
  } finally {
    screen.close();
    await device.close();
  }
  if (ended !== undefined) throw ended;
  for (const trouble of troubles) console.error(`heliograph: ${trouble}`);
  if (!screen.interactive && (troubles.length > 0 || session.hadTroubles)) process.exitCode = 1;
}

async function open(options: DeviceOptions): Promise<Device> {
  try {
    return await openDevice(options);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'conflict')
      throw new DomainError('conflict', `the handle ${options.handle} is taken; if it is yours, name the --directory of your device`);
    if (!(error instanceof SdkError && error.code === 'offline' && URL.canParse(options.server))) throw error;
    throw new SdkError('offline', `${error.message}, and without it ${options.handle} cannot be registered; \`npm start\` starts a server`);
  }
}

/** Resolves when everything is accepted, and what waited at the server is shown and told as read; `false` when the signal came before. */
async function settled(device: Device, session: ChatSession, signal: AbortSignal): Promise<boolean> {
  const caughtUp = new Promise<void>((resolve) => {
    const look = () => {
      if (device.status.state === 'online' && session.isCaughtUp) resolve();
    };
    device.on('status', look);
    session.onShown = look;
    look();
  });
  const over = new Promise<false>((resolve) => {
    if (signal.aborted) resolve(false);
    signal.addEventListener('abort', () => {
      resolve(false);
    });
  });
  return Promise.race([caughtUp.then(() => device.idle()).then(() => true), over]);
}

function unsentOf(device: Device): readonly string[] {
  const newest = device.conversations().flatMap(({ conversationId }) => device.messages(conversationId, { limit: 1 }));
  const count = newest.filter(({ state }) => state === 'pending').length;
  return count === 0 ? [] : [`${count === 1 ? '1 message is' : `${count} messages are`} not sent yet; the next chat sends what is left`];
}

function handleOf(text: string): string {
  const parsed = handleSchema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError('3 to 32 of a-z 0-9 . _ - with a letter or digit at both ends.');
  return parsed.data;
}

function secondsOf(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('a number of seconds.');
  return value;
}
