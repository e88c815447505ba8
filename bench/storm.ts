/** What happens to everybody else when a gateway is lost, with the line of waiting devices and without it: `npm run bench:storm`. Prints the table of docs/benchmarks.md. */
import { dirname } from 'node:path';

import { Command } from 'commander';

import { rateLimits } from '../protocol/limits.js';
import { positive } from './bench-options.js';
import { registerDevices, registerPairs } from './load/register-accounts.js';
import { HeliographCluster } from './process/heliograph-cluster.js';
import { madeBy, table } from './report/benchmark-tables.js';
import { acceptedAndDelivered, seconds } from './report/cells.js';
import { describeMachine } from './report/machine.js';
import { runStorm, type StormFigures } from './storm/storm-run.js';

const talkers = 25;
const herdTalkers = 50;
/** As shipped; in benchmarks limits are out of the way otherwise. */
const { admission: admitted } = rateLimits;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const command = new Command('npm run bench:storm --')
  .description('Kills one gateway of two, on the engines of `npm run stack`, which have to run.')
  .option('--devices <count>', 'on the gateway that is killed', positive, 15_000);
command.parse();
const { devices: count } = command.opts<{ readonly devices: number }>();

const withLine = {
  HELIOGRAPH_LIMIT_ADMISSION_BURST: `${admitted.burst}`,
  HELIOGRAPH_LIMIT_ADMISSION_PER_SECOND: `${admitted.perSecond}`,
};
const rows = [
  { name: `in line, ${admitted.perSecond} sessions a second`, figures: await measure(withLine) },
  { name: 'all at once', figures: await measure({}) },
];
const made = {
  command: ['npm run bench:storm', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
  machine: describeMachine(),
  date: new Date().toISOString().slice(0, 10),
};
console.log(
  `\n${madeBy(made)}\n${table(
    heads(),
    rows.map(({ name, figures }) => row(name, figures)),
  )}`,
);

async function measure(limits: Readonly<Record<string, string>>): Promise<StormFigures> {
  const name = `storm_${Date.now().toString(36)}`;
  const environment = { HELIOGRAPH_TOKEN_LIFETIME_MS: '86400000' };
  const cluster = await HeliographCluster.start({ dist: dirname(import.meta.dirname), name, environment, ofMember: { 'gateway-2': limits } });
  try {
    const pairs = await registerPairs(cluster.publicUrl, talkers + herdTalkers);
    const [bystanders, toHerd] = [pairs.slice(0, talkers), pairs.slice(talkers)];
    const others = await registerDevices(cluster.publicUrl, count - toHerd.length);
    console.log(`${count} devices are registered`);
    return await runStorm({ cluster, bystanders, toHerd, herd: [...toHerd.map(({ receiver }) => receiver), ...others] });
  } finally {
    await cluster.stop();
  }
}

function heads(): readonly string[] {
  return [
    ...['devices that come back', 'most new sessions in a second', 'hellos each', 'all back after', 'all drained after'],
    ...['p99 of others before: accepted / delivered ms', 'in the minute after the loss', 'messages to the herd: accepted / lost / came twice'],
  ];
}

function row(name: string, figures: StormFigures): readonly string[] {
  const { peakPerSecond, helloesEach, allBackMs, allDrainedMs, before, during, messages, lost, doubled } = figures;
  return [
    ...[`${count.toLocaleString('en')} ${name}`, `${peakPerSecond}`, helloesEach.toFixed(2), seconds(allBackMs), seconds(allDrainedMs)],
    ...[acceptedAndDelivered(before), acceptedAndDelivered(during), `${messages} / ${lost} / ${doubled}`],
  ];
}
