/** What a post costs whoever writes it, in channels of different sizes: `npm run bench:channels`. Prints the tables of docs/benchmarks.md. */
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Command } from 'commander';

import { newChannelId, type ConversationId } from '../protocol/ids.js';
import { invite } from '../protocol/rest/conversation.js';
import { startDistributed, startEmbedded, type ChannelServer } from './channels/channel-server.js';
import { fillChannel } from './channels/fill-channel.js';
import { ChannelClient, type PostRun } from './channels/poster.js';
import { post, registerDevices } from './load/register-accounts.js';
import type { LoadDevice } from './load/wire.js';
import { measureCpu } from './process/measure-cpu.js';
import { madeBy, table } from './report/benchmark-tables.js';
import { describeMachine } from './report/machine.js';
import { median } from './report/median.js';
import { percentile } from './report/percentile.js';

const sizes = [10, 1_000, 100_000];
/** They are there in each of the channels: what they are told is the same. */
const watchers = 8;
const perSecond = 200;
const warmUpMs = 10_000;
const measureMs = 15_000;
const rounds = 3;
const settleMs = 1_000;

const dist = dirname(import.meta.dirname);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

interface Channel {
  readonly size: number;
  readonly conversationId: ConversationId;
}

interface Figures {
  readonly coreMsPerPost: number;
  /** Of engines that are nobody's children, together. */
  readonly enginesMsPerPost: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly framesPerWatcherAndSecond: number;
}

const { distributed } = new Command('npm run bench:channels --')
  .description('Posts to channels of different sizes, and measures what a post costs.')
  .option('--distributed', 'measure the distributed profile instead of the embedded one, on the engines of `npm run stack`, which have to run', false)
  .parse()
  .opts<{ readonly distributed: boolean }>();
const server = await (distributed ? startDistributed : startEmbedded)(dist);
try {
  await measure(server);
} finally {
  await server.stop();
}

async function measure(server: ChannelServer): Promise<void> {
  const [owner, ...others] = await registerDevices(server.publicUrl, 1 + watchers);
  if (owner === undefined) throw new Error('nobody owns the channels');
  const channels: Channel[] = [];
  for (const size of sizes) channels.push({ size, conversationId: await channelOf(server, owner, { others, size }) });
  const results = new Map<number, Figures[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < rounds; round += 1) {
    // In turn, so that what the machine does meanwhile falls on all of them.
    for (const channel of channels) {
      const figures = await measureOne(server, owner, { others, channel });
      results.get(channel.size)?.push(figures);
      console.log(`${channel.size} members: ${figures.coreMsPerPost.toFixed(3)} core-ms a post, accepted p99 ${figures.p99Ms.toFixed(1)} ms`);
    }
  }
  print(results);
}

async function measureOne(
  server: ChannelServer,
  owner: LoadDevice,
  { others, channel: { conversationId } }: { readonly others: readonly LoadDevice[]; readonly channel: Channel },
): Promise<Figures> {
  const [poster, ...watching] = await Promise.all([owner, ...others].map((device) => ChannelClient.open(server.socketUrl, device)));
  if (poster === undefined) throw new Error('nobody posts');
  try {
    for (const client of watching) await client.watch(conversationId);
    await poster.post(conversationId, { perSecond, forMs: warmUpMs });
    await sleep(settleMs);
    const framesBefore = watching.reduce((sum, { frames }) => sum + frames, 0);
    const end = measureCpu(server.measured);
    const run = await poster.post(conversationId, { perSecond, forMs: measureMs });
    await sleep(settleMs);
    const spent = end();
    if (spent === undefined) throw new Error('CPU time is read from /proc, which this system does not have');
    const frames = watching.reduce((sum, client) => sum + client.frames, 0) - framesBefore;
    if (watching.some(({ head }) => head < 0)) throw new Error('a watcher was told nothing');
    const enginesMs = Object.keys(server.measured.engines).reduce((sum, engine) => sum + (spent.childrenMs[engine] ?? 0), 0);
    return {
      ...{ coreMsPerPost: spent.ownMs / run.posts, enginesMsPerPost: enginesMs / run.posts },
      ...latencyOf(run),
      framesPerWatcherAndSecond: frames / watching.length / (measureMs / 1_000),
    };
  } finally {
    for (const client of [poster, ...watching]) client.close();
  }
}

function latencyOf({ acceptedMs }: PostRun): Pick<Figures, 'p50Ms' | 'p99Ms'> {
  return { p50Ms: percentile(acceptedMs, 0.5), p99Ms: percentile(acceptedMs, 0.99) };
}

/** The owner, those who watch, and as many others as it takes. */
async function channelOf(
  { publicUrl, directoryUrl }: ChannelServer,
  owner: LoadDevice,
  { others, size }: { readonly others: readonly LoadDevice[]; readonly size: number },
): Promise<ConversationId> {
  const conversationId = newChannelId();
  await post(publicUrl, '/v1/channels', { conversationId, title: randomBytes(40), keyring: randomBytes(30) }, owner.token);
  const { secret } = invite.parse(await post(publicUrl, `/v1/channels/${conversationId}/invite`, { lifetimeMs: 3_600_000 }, owner.token));
  for (const device of others) await post(publicUrl, '/v1/channel-invites', { secret }, device.token);
  await fillChannel(directoryUrl, conversationId, Math.max(0, size - 1 - others.length));
  return conversationId;
}

function print(results: ReadonlyMap<number, readonly Figures[]>): void {
  const heads = ['members', 'posts/s', 'accepted p50 / p99 ms', 'server core-ms per post', 'of engines', 'frames per watching session and second'];
  const rows = [...results].map(([size, runs]) => {
    const of = (name: keyof Figures) => median(runs.map((figures) => figures[name]));
    const latency = `${of('p50Ms').toFixed(1)} / ${of('p99Ms').toFixed(1)}`;
    return [
      size.toLocaleString('en'),
      `${perSecond}`,
      latency,
      of('coreMsPerPost').toFixed(3),
      of('enginesMsPerPost').toFixed(3),
      of('framesPerWatcherAndSecond').toFixed(1),
    ];
  });
  const made = {
    command: `npm run bench:channels${distributed ? ' -- --distributed' : ''}`,
    machine: describeMachine(),
    date: new Date().toISOString().slice(0, 10),
  };
  console.log(`\n${madeBy(made)}\n${table(heads, rows)}`);
}
