import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runStep, say, secondsSince, tellingLine } from './run-step.mjs';
import { runScript, SetUpError } from './set-up-error.mjs';

const bundle = 'workflows/bundle.js';
const buildInfo = '.tsbuildinfo';
const stampFile = '.stamp';
const otherInputs = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/build.mjs', 'scripts/bundle-workflows.ts'];

/** Compiles the rooms to dist/, unless dist/ was made from exactly these sources. */
export async function buildWhenStale(root) {
  const sources = listSources(root);
  const stamp = fingerprint(root, sources);
  if (readStamp(root) !== stamp) await build(root, sources, stamp);
}

async function build(root, sources, stamp) {
  const startMs = Date.now();
  say('Build: compiling');
  rmSync(join(root, 'dist', stampFile), { force: true });
  // Independent of each other: the bundler reads the TypeScript sources.
  await Promise.all([compile(root, sources), bundleWorkflows(root)]);
  copyAssets(root, sources);
  removeLeftovers(root, sources);
  writeFileSync(join(root, 'dist', stampFile), stamp);
  say(`Build: done in ${secondsSince(startMs)}`);
}

async function compile(root, sources) {
  const outputs = sources.filter(isCode).map(outputOf);
  // What was deleted by hand the incremental compiler would not write again.
  if (!outputs.every((path) => existsSync(join(root, 'dist', path)))) rmSync(join(root, 'dist', buildInfo), { force: true });
  const args = [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--pretty', 'false'];
  const { code, output } = await runStep({ label: 'Build', command: process.execPath, args, cwd: root });
  if (code !== 0) {
    throw new SetUpError(`The build failed: ${tellingLine(output, /error TS/)}`, 'Run `npx tsc -p .` to see everything the compiler found');
  }
  if (existsSync(join(root, 'dist', 'cli', 'main.js'))) chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
}

async function bundleWorkflows(root) {
  mkdirSync(join(root, 'dist', dirname(bundle)), { recursive: true });
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
  for (const path of sources.filter((source) => !isCode(source))) {
    const target = join(root, 'dist', path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, path), target);
  }
}

/** Outputs of files that were renamed or deleted must not be found by anybody. */
function removeLeftovers(root, sources) {
  const kept = new Set([...sources.map(outputOf), buildInfo, bundle]);
  for (const path of walk(root, 'dist')) {
    const output = path.slice('dist/'.length);
    if (!kept.has(output)) rmSync(join(root, path));
  }
}

function listSources(root) {
  const rooms = JSON.parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8')).include;
  return rooms.flatMap((room) => walk(root, room)).filter((path) => !path.endsWith('.md'));
}

function walk(root, directory) {
  if (!existsSync(join(root, directory))) return [];
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

const isCode = (path) => path.endsWith('.ts') && !path.endsWith('.d.ts');
const outputOf = (path) => (isCode(path) ? path.replace(/\.ts$/, '.js') : path);

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
