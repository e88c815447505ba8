import { Command, InvalidArgumentError } from 'commander';

import { runDemo } from './demo/run-demo.js';

const help = `
Starts a server of its own in a temporary directory and on free ports, and two devices, each in a process of its own. Kills one device, then the server, while messages are under
way. At the end both devices' stores and the server's history are compared: every accepted message must be on both sides exactly once, in the same order.
Ends with 1 when anything is not as it should be.`;

const { messages, keep, distributed } = new Command('npm run demo --')
  .description('A scripted run that shows what the server promises, and proves it')
  .option('--messages <count>', 'messages of each device in each phase', wholeNumber, 150)
  .option('--keep', 'leave the server running at the end, to look at the workflows', false)
  .option('--distributed', 'on the engines of `npm run stack`, which have to run: two processes of each role behind HAProxy', false)
  .addHelpText('after', help)
  .parse()
  .opts<{ messages: number; keep: boolean; distributed: boolean }>();

const stop = new AbortController();
process.once('SIGINT', () => {
  stop.abort(new Error('interrupted'));
});

try {
  const violations = await runDemo({ messages, keep, distributed, say: console.log, signal: stop.signal });
  for (const violation of violations) console.error(`✗ ${violation}`);
  console.log(violations.length === 0 ? 'PASS: every accepted message is on both sides exactly once, in the same order.' : 'FAIL');
  if (violations.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(`FAIL: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 20 || value > 10_000) throw new InvalidArgumentError('a whole number from 20 to 10,000.');
  return value;
}
