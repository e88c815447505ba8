import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { parts, readOptions, type BenchOptions } from './bench-options.js';
import { readMainThreadProfile, summariseProfile } from './process/cpu-profile.js';
import { renderBenchmarks, replaceFigures, type BenchmarkResults } from './report/benchmark-tables.js';
import { describeMachine } from './report/machine.js';
import { renderLoadReport } from './report/render-load-report.js';
import { renderProfile } from './report/render-profile.js';
import { measureLoad, type LoadPlan } from './scenarios/measure-load.js';
import { measureTarget, type TargetFigures } from './scenarios/measure-target.js';
import { startCluster } from './targets/cluster-target.js';
import { startHeliograph } from './targets/heliograph-target.js';
import { startRelay } from './targets/relay-target.js';

const dist = dirname(import.meta.dirname);
const document = join(dist, '..', 'docs', 'benchmarks.md');
const nothing: TargetFigures = { loads: [], idle: [] };
const profileWarmUpMs = 3_000;
const collecting = ['--expose-gc', '--import', join(dist, 'bench', 'process', 'collect-on-signal.js')];

// Without a listener the process would end without its `exit` event, by which the server under test ends too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const args = process.argv.slice(2);
const options = readOptions(args);
await (options.profile ? profile(options) : measure(options));

async function measure(chosen: BenchOptions): Promise<void> {
  const machine = describeMachine();
  const { distributed } = chosen;
  const start = distributed ? () => startCluster({ dist, nodeArgs: collecting }) : () => startServer(collecting);
  const heliograph = await measureTarget(start, chosen, console.log);
  const relay: TargetFigures = chosen.relay
    ? await measureTarget(() => startRelay({ entry: join(dist, 'bench', 'reference-relay.js'), nodeArgs: collecting }), chosen, console.log)
    : nothing;
  const results: BenchmarkResults = {
    command: ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
    machine,
    date: new Date().toISOString().slice(0, 10),
    loads: [...heliograph.loads, ...relay.loads],
    idle: [...heliograph.idle, ...relay.idle],
  };
  console.log(`\n${renderBenchmarks(results)}`);
  const complete = (chosen.relay || distributed) && parts.every((part) => chosen.parts.includes(part));
  if (!chosen.write || !complete) return;
  writeFileSync(document, replaceFigures(readFileSync(document, 'utf8'), distributed ? 'distributed figures' : 'figures', results));
  console.log('docs/benchmarks.md holds these figures now.');
}

/** One closed and one open run, each on a fresh server that samples itself. */
async function profile({ parts: chosen, pairs, windows, rates, ratePairs, seconds, rateSeconds }: BenchOptions): Promise<void> {
  const [pairCount = 1] = pairs;
  const [window = 1] = windows;
  const [perSecond = 1] = rates;
  if (chosen.includes('closed')) {
    await profileRun({ pairs: pairCount, shape: { kind: 'closed', window }, warmUpMs: profileWarmUpMs, measureMs: seconds * 1000 });
  }
  if (chosen.includes('open')) {
    await profileRun({ pairs: ratePairs, shape: { kind: 'open', perSecond }, warmUpMs: profileWarmUpMs, measureMs: rateSeconds * 1000 });
  }
}

async function profileRun(plan: LoadPlan): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-profile-'));
  try {
    const target = await startServer(['--cpu-prof', `--cpu-prof-dir=${directory}`]);
    const { report, fromUs, untilUs } = await measureLoad(target, plan).finally(() => target.stop());
    console.log(`${renderLoadReport(report)}\n`);
    console.log(
      renderProfile(summariseProfile(readMainThreadProfile(directory, target.sessionHolders[0]?.pid ?? 0), join(dist, '..'), fromUs, untilUs)),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function startServer(nodeArgs: readonly string[]) {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'heliograph-bench-'));
  return startHeliograph({ dist, dataDirectory, nodeArgs });
}
