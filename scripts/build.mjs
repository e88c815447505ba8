import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runStep, say, secondsSince, tellingLine } from './run-step.mjs';
import { runScript, SetUpError } from './set-up-error.mjs';

const rooms = [
  'protocol',
  'core',
  'ports',
  'adapters',
  'gateway',
  'pipeline',
  'workflows',
  'activities',
  'app',
  'workers',
  'telemetry',
  'sdk',
  'cli',
  'bench',
  'examples',
  'tests/programs',
];
/** What is started, and what the scripts and somebody's own programs import. */
const programs = [
  'workers/all-in-one.ts',
  'cli/main.ts',
  'cli/demo.ts',
  'cli/demo/device-process.ts',
  'app/stack/stack.ts',
  'sdk/index.ts',
  'bench/run.ts',
  'bench/channel-posts.ts',
  'bench/storm.ts',
  'bench/reference-relay.ts',
  'bench/process/collect-on-signal.ts',
  'examples/*.ts',
  'tests/programs/*.ts',
];
const workflowBundle = 'dist/workflows/bundle.js';
const stampFile = '.stamp';
const otherInputs = ['tsconfig.json', 'package-lock.json', 'scripts/build.mjs', 'scripts/bundle-programs.mjs', 'scripts/bundle-workflows.ts'];

/** Makes dist/ of the rooms, unless it was made from exactly these sources. Types are for `npm run check`. */
export async function buildWhenStale(root) {
  const sources = listSources(root);
  const stamp = fingerprint(root, sources);
  if (readStamp(root) !== stamp) await build(root, sources, stamp);
}

async function build(root, sources, stamp) {
  const startMs = Date.now();
  say('Build: bundling');
  rmSync(join(root, 'dist', stampFile), { force: true });
  const [programFiles] = await Promise.all([bundleServer(root), bundleWorkflows(root)]);
  removeLeftovers(root, [...programFiles, workflowBundle, ...copyAssets(root, sources)]);
  writeFileSync(join(root, 'dist', stampFile), stamp);
  say(`Build: done in ${secondsSince(startMs)}`);
}

async function bundleServer(root) {
  // A fresh checkout had no packages when this file was loaded.
  const { bundlePrograms } = await import('./bundle-programs.mjs');
  try {
    const files = await bundlePrograms(root, programs);
    chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
    return files;
  } catch (error) {
    const [first] = error.errors ?? [];
    const where = first?.location ? `${first.location.file}:${first.location.line}: ` : '';
    throw new SetUpError(`The build failed: ${where}${first?.text ?? error.message}`, 'Run `npm run check` to see everything that is wrong');
  }
}

async function bundleWorkflows(root) {
  const args = ['--import', 'tsx', 'scripts/bundle-workflows.ts'];
  const { code, output } = await runStep({ label: 'Workflow bundle', command: process.execPath, args, cwd: root });
  if (code !== 0) {
    throw new SetUpError(
      `The workflows could not be bundled: ${tellingLine(output, /error/i)}`,
      'Run `node --import tsx scripts/bundle-workflows.ts` to see all',
    );
  }
}

function copyAssets(root, sources) {
  const assets = sources.filter((source) => !source.endsWith('.ts'));
  return assets.map((path) => {
    const target = join('dist', path);
    mkdirSync(dirname(join(root, target)), { recursive: true });
    copyFileSync(join(root, path), join(root, target));
    return target;
  });
}

/** Of the build before: last, for what may be starting from it just now. */
function removeLeftovers(root, files) {
  const kept = new Set(files);
  for (const path of walk(root, 'dist')) if (!kept.has(path)) rmSync(join(root, path));
}

function listSources(root) {
  return rooms.flatMap((room) => walk(root, room)).filter((path) => !path.endsWith('.md'));
}

function walk(root, directory) {
  if (!existsSync(join(root, directory))) return [];
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

function fingerprint(root, sources) {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0]);
  for (const path of [...sources, ...otherInputs]) {
    if (existsSync(join(root, path))) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

function readStamp(root) {
  try {
    return readFileSync(join(root, 'dist', stampFile), 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => buildWhenStale(dirname(import.meta.dirname)));
}
