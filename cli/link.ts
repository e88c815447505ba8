import { Command } from 'commander';
import { toString as qrCodeOf } from 'qrcode';

import { openDevice } from '../sdk/index.js';
import { passphraseOf } from './passphrase-file.js';

interface LinkFlags {
  readonly directory: string;
  readonly server: string;
  readonly name: string;
  readonly history: boolean;
  /** The passphrase itself. */
  readonly passphraseFile?: string;
}

const help = `
Shows a code, as text and as a QR code, and waits until another device of the account takes it: type \`/link CODE\` in its \`heliograph chat\`.
Both show the same six digits then. Afterwards: npx heliograph chat --handle HANDLE --directory PATH`;

/** `heliograph link`. */
export function createLinkCommand(): Command {
  return new Command('link')
    .description('Makes this terminal a further device of an account')
    .requiredOption('--directory <path>', "the new device's own directory")
    .option('--server <url>', 'the server', 'http://127.0.0.1:8080')
    .option('--name <name>', 'what the account calls the device', 'heliograph link')
    .option('--no-history', 'begin without what was said before')
    .option('--passphrase-file <path>', 'a file that holds the passphrase which protects the directory', passphraseOf)
    .addHelpText('after', help)
    .action(link);
}

async function link({ directory, server, name, history, passphraseFile: passphrase }: LinkFlags): Promise<void> {
  const leaving = new AbortController();
  const leave = () => {
    leaving.abort(new Error('nobody has linked this device yet; the same command goes on with the same code'));
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  const device = await openDevice({
    ...{ server, directory, passphrase, deviceName: name },
    link: {
      onCode: (code) => {
        void qrCodeOf(code, { type: 'terminal', small: true }).then((drawn) => {
          console.log(`${drawn}\nOn another device of your account:\n\n  /link ${code}\n`);
        });
      },
      onCheckDigits: (digits) => {
        console.log(`The other device shows ${digits}. If it does not, remove this one there.`);
      },
      signal: leaving.signal,
      history,
    },
  });
  console.log(
    `This is device ${device.deviceId} of ${device.handle} now:\n\n  npx heliograph chat --handle ${device.handle} --directory ${directory}`,
  );
  await device.close();
}
