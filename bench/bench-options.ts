import { Command, InvalidArgumentError, Option } from 'commander';

export const parts = ['closed', 'open', 'idle'] as const;
/** Beside those that make the tables of pairs and sessions. */
const allParts = [...parts, 'group', 'drains'] as const;
export type Part = (typeof allParts)[number];

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly relay: boolean;
  /** On engines of `npm run stack` that run. */
  readonly distributed: boolean;
  readonly pairs: readonly number[];
  readonly windows: readonly number[];
  readonly rates: readonly number[];
  readonly ratePairs: number;
  readonly seconds: number;
  readonly rateSeconds: number;
  readonly repeat: number;
  readonly sessions: number;
  readonly members: number;
  readonly messages: number;
  readonly returning: number;
  readonly waiting: number;
  readonly profile: boolean;
  readonly write: boolean;
}

/** Reads the arguments after `npm run bench --`; commander prints help and errors and ends the process. */
export function readOptions(args: readonly string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description(
      'Starts a fresh server and a bare relay, loads both over real WebSockets, and prints what they did. All parts together write docs/benchmarks.md.',
    )
    .addOption(
      new Option(
        '--parts <list>',
        'what to measure: closed loop, open loop, memory of idle sessions; or group: one message to a group of which everybody is online; drains: devices that come back at once to what waited',
      )
        .default(parts, parts.join())
        .argParser(partList),
    )
    .option('--no-relay', 'leave out the relay')
    .option(
      '--distributed',
      'measure the distributed profile instead of the embedded one, on the engines of `npm run stack`, which have to run',
      false,
    )
    .option('--pairs <list>', 'closed loop: numbers of pairs to try', numberList, [64, 128, 256])
    .option('--windows <list>', 'closed loop: numbers of messages that a pair keeps under way, to try', numberList, [4, 8, 16])
    .option('--rates <list>', 'open loop: messages per second', numberList, [200, 1000])
    .option('--rate-pairs <count>', 'open loop: pairs that share the rate', positive, 50)
    .option('--seconds <seconds>', 'closed loop: length of a run', positive, 10)
    .option('--rate-seconds <seconds>', 'open loop: length of a run', positive, 30)
    .option('--repeat <count>', 'runs of each kind; their medians are shown', positive, 3)
    .option('--sessions <count>', 'idle sessions', positive, 15_000)
    .option('--members <count>', 'group: how many, with one device each', positive, 256)
    .option('--messages <count>', 'group: how many are measured', positive, 300)
    .option('--returning <count>', 'drains: devices that come back, in groups of 250', positive, 10_000)
    .option('--waiting <count>', 'drains: messages that wait for each of them', positive, 20)
    .option('--profile', "profile the server's processes during one run of each kind, and show where their time went", false)
    .option('--no-write', 'leave docs/benchmarks.md as it is');
  command.parse(args, { from: 'user' });
  return command.opts<BenchOptions>();
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1.');
  return value;
}

function numberList(text: string): readonly number[] {
  return text.split(',').map(positive);
}

function partList(text: string): readonly Part[] {
  return text.split(',').map((name) => {
    const part = allParts.find((known) => known === name);
    if (part === undefined) throw new InvalidArgumentError(`one or more of ${allParts.join(', ')}.`);
    return part;
  });
}
