import { Command, InvalidArgumentError, Option } from 'commander';

import type { LoadReport, LoadShape } from '../bench/load/generate-load.js';
import { loadServer } from '../bench/load/load-server.js';
import { renderLoadReport } from '../bench/report/render-load-report.js';

interface LoadFlags {
  readonly server: string;
  readonly pairs: number;
  readonly rate: number;
  readonly closed: boolean;
  readonly window: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly json: boolean;
}

const help = `
Registers two new accounts for each pair, connects them over WebSockets, and sends 100-byte messages from one to the other.
With --rate, latency counts from the time a message was due, so a server that stalls is charged for everybody who waited.

The bodies are random bytes: nothing is encrypted, and no real client can read them. Load a server that you can throw away.
A server with its usual limits lets in 5 new accounts an hour from one address, and 10 messages a second in a conversation. Start it with higher ones:

  HELIOGRAPH_LIMIT_REGISTRATION_BURST=100000 HELIOGRAPH_LIMIT_SEND_BURST=1000000 HELIOGRAPH_LIMIT_SEND_PER_SECOND=1000000 \\
  HELIOGRAPH_LIMIT_RECIPIENT_BURST=1000000 HELIOGRAPH_LIMIT_RECIPIENT_PER_SECOND=1000000 npm start

Ends with 1 when a message was refused, delivered twice, or got no receipt.`;

/** `heliograph load`. */
export function createLoadCommand(): Command {
  return new Command('load')
    .description('Loads a running server and shows how long messages took')
    .option('--server <url>', 'the server', 'http://127.0.0.1:8080')
    .option('--pairs <count>', 'pairs of devices', wholeNumber, 10)
    .option('--rate <messages>', 'messages a second in all, sent when they are due', positiveNumber, 50)
    .addOption(new Option('--closed', 'as fast as receipts come back, instead of at a rate').default(false).conflicts('rate'))
    .option('--window <messages>', 'with --closed: messages that each pair keeps under way', wholeNumber, 4)
    .option('--seconds <seconds>', 'how long to measure', positiveNumber, 30)
    .option('--warm-up <seconds>', 'how long to send before that', positiveNumber, 3)
    .option('--no-encryption', 'send random bytes in place of encrypted messages; there is no other mode yet, so this is always on')
    .option('--json', 'print the report as JSON', false)
    .addHelpText('after', help)
    .action(async (flags: LoadFlags) => {
      const report = await loadServer({
        server: flags.server,
        pairs: flags.pairs,
        shape: shapeOf(flags),
        warmUpMs: flags.warmUp * 1000,
        measureMs: flags.seconds * 1000,
      });
      console.log(flags.json ? JSON.stringify(report, undefined, 2) : `${renderLoadReport(report)}\nbodies      random bytes, no encryption`);
      if (!isClean(report)) process.exitCode = 1;
    });
}

function shapeOf({ closed, window, rate }: LoadFlags): LoadShape {
  return closed ? { kind: 'closed', window } : { kind: 'open', perSecond: rate };
}

function isClean({ counts, unfinished }: LoadReport): boolean {
  return unfinished === 0 && counts.duplicates === 0 && Object.keys(counts.refused).length === 0;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('a number above 0.');
  return value;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1.');
  return value;
}
