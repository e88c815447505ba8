import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';

import { root } from './prepare.mjs';
import { say } from './run-step.mjs';
import { runScript, SetUpError } from './set-up-error.mjs';

/** Deletes the embedded profile's data directory, after asking (`--yes` answers for scripts). */
async function reset() {
  const directory = resolve(root, process.env.HELIOGRAPH_DATA_DIR ?? '.heliograph');
  if (!existsSync(directory)) {
    say(`There is no ${directory}: nothing to delete.`);
    return;
  }
  if (!looksLikeData(directory)) {
    throw new SetUpError(`${directory} does not look like a Heliograph data directory`, 'Correct HELIOGRAPH_DATA_DIR, or delete it by hand');
  }
  refuseWhileInUse(directory);
  if (!process.argv.includes('--yes') && !(await confirmed(directory))) {
    say('Nothing was deleted.');
    return;
  }
  rmSync(directory, { recursive: true });
  say(`Deleted ${directory}.`);
}

/** Guards against a mistyped directory: only what the server itself put there may be found in it. */
function looksLikeData(directory) {
  return readdirSync(directory).every((name) => /^(lmdb|postgres|temporal|blobs|keys|server)(\.[\w.-]+)?$/.test(name));
}

function refuseWhileInUse(directory) {
  const lockFile = join(directory, 'server.lock');
  if (!existsSync(lockFile)) return;
  const pid = Number.parseInt(readFileSync(lockFile, 'utf8'), 10);
  if (!Number.isInteger(pid) || !isRunning(pid)) return;
  throw new SetUpError(`A server (process ${pid}) uses ${directory}`, `Stop it first; if process ${pid} is something else, delete ${lockFile}`);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function confirmed(directory) {
  if (!process.stdin.isTTY)
    throw new SetUpError('Nobody is there to be asked', 'Run `npm run reset -- --yes` if everything in the data directory may go');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Delete ${directory} with all accounts, messages and workflows? Type "yes": `);
  terminal.close();
  return answer.trim() === 'yes';
}

await runScript(reset);
