import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { parts, readOptions, type BenchOptions } from './bench-options.js';
import { readMainThreadProfile, summariseProfile } from './process/cpu-profile.js';
import { renderBenchmarks, replaceFigures, type BenchmarkResults, type Figures } from './report/benchmark-tables.js';
import { renderDrains } from './report/drains-table.js';
import { renderGroup } from './report/group-table.js';
import { describeMachine } from './report/machine.js';
import { renderLoadReport } from './report/render-load-report.js';
import { renderProfile } from './report/render-profile.js';
import { measureDrains, type DrainMeasurement } from './scenarios/measure-drains.js';
import { measureGroup, type GroupMeasurement } from './scenarios/measure-group.js';
import { measureLoad, type LoadPlan } from './scenarios/measure-load.js';
import { measureTarget, type TargetFigures } from './scenarios/measure-target.js';
import { startCluster } from './targets/cluster-target.js';
import { startHeliograph } from './targets/heliograph-target.js';
import { startRelay } from './targets/relay-target.js';
import type { GroupTarget } from './targets/target.js';

const dist = dirname(import.meta.dirname);
const document = join(dist, '..', 'docs', 'benchmarks.md');
type Start = (nodeArgs: readonly string[]) => Promise<GroupTarget>;

const nothing: TargetFigures = { loads: [], idle: [] };
const profileWarmUpMs = 3_000;
/** Messages. */
const groupWarmUp = 100;

// Without a listener the process would end without its `exit` event, by which the server under test ends too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const args = process.argv.slice(2);
const options = readOptions(args);
await (options.profile ? profile(options) : measure(options));

async function measure(chosen: BenchOptions): Promise<void> {
  const { distributed } = chosen;
  const made = {
    command: ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
    machine: describeMachine(),
    date: new Date().toISOString().slice(0, 10),
  };
  const start = startOf(distributed);
  if (chosen.parts.includes('group')) {
    const figures = renderGroup({ ...made, group: await measureGroupOn(() => start([]), chosen) });
    tell(figures, { name: distributed ? 'distributed group figures' : 'group figures', write: chosen.write });
  }
  if (chosen.parts.includes('drains')) {
    const figures = renderDrains({ ...made, drains: await measureDrainsOn(() => start([]), chosen) });
    tell(figures, { name: distributed ? 'distributed drain figures' : 'drain figures', write: chosen.write });
  }
  if (!parts.some((part) => chosen.parts.includes(part))) return;
  const heliograph = await measureTarget(start, chosen, console.log);
  const relay: TargetFigures = chosen.relay
    ? await measureTarget((nodeArgs) => startRelay({ entry: join(dist, 'bench', 'reference-relay.js'), nodeArgs }), chosen, console.log)
    : nothing;
  const results: BenchmarkResults = { ...made, loads: [...heliograph.loads, ...relay.loads], idle: [...heliograph.idle, ...relay.idle] };
  const complete = (chosen.relay || distributed) && parts.every((part) => chosen.parts.includes(part));
  tell(renderBenchmarks(results), { name: distributed ? 'distributed figures' : 'figures', write: chosen.write && complete });
}

async function measureGroupOn(start: () => Promise<GroupTarget>, { members, messages }: BenchOptions): Promise<GroupMeasurement> {
  const target = await start();
  return measureGroup(target, { members, messages, warmUp: groupWarmUp }).finally(() => target.stop());
}

async function measureDrainsOn(start: () => Promise<GroupTarget>, { returning, waiting }: BenchOptions): Promise<DrainMeasurement> {
  const target = await start();
  return measureDrains(target, { devices: returning, messagesEach: waiting }).finally(() => target.stop());
}

function tell(figures: string, { name, write }: { readonly name: Figures; readonly write: boolean }): void {
  console.log(`\n${figures}`);
  if (!write) return;
  writeFileSync(document, replaceFigures(readFileSync(document, 'utf8'), name, figures));
  console.log('docs/benchmarks.md holds these figures now.');
}

/** One closed and one open run, each on a fresh server that samples itself. */
async function profile({ distributed, parts: chosen, pairs, windows, rates, ratePairs, seconds, rateSeconds }: BenchOptions): Promise<void> {
  const start = startOf(distributed);
  const [pairCount = 1] = pairs;
  const [window = 1] = windows;
  const [perSecond = 1] = rates;
  if (chosen.includes('closed')) {
    await profileRun(start, { pairs: pairCount, shape: { kind: 'closed', window }, warmUpMs: profileWarmUpMs, measureMs: seconds * 1000 });
  }
  if (chosen.includes('open')) {
    await profileRun(start, { pairs: ratePairs, shape: { kind: 'open', perSecond }, warmUpMs: profileWarmUpMs, measureMs: rateSeconds * 1000 });
  }
}

async function profileRun(start: Start, plan: LoadPlan): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-profile-'));
  try {
    const target = await start(['--cpu-prof', `--cpu-prof-dir=${directory}`]);
    const { report, fromUs, untilUs } = await measureLoad(target, plan).finally(() => target.stop());
    console.log(`${renderLoadReport(report)}\n`);
    for (const [index, pid] of target.processes.entries()) {
      console.log(`\nProcess ${index + 1} of ${target.processes.length}`);
      console.log(renderProfile(summariseProfile(readMainThreadProfile(directory, pid), join(dist, '..'), fromUs, untilUs)));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Of the distributed profile the gateways come first, then the pipelines. */
function startOf(distributed: boolean): Start {
  if (distributed) return (nodeArgs) => startCluster({ dist, nodeArgs });
  return (nodeArgs) => startHeliograph({ dist, dataDirectory: mkdtempSync(join(tmpdir(), 'heliograph-bench-')), nodeArgs });
}
