import { existsSync, readdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
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
  if (!process.argv.includes('--yes') && !(await confirmed(directory))) {
    say('Nothing was deleted.');
    return;
  }
  rmSync(directory, { recursive: true });
  say(`Deleted ${directory}.`);
}

/** Guards against a mistyped directory: only what the server itself put there may be found in it. */
function looksLikeData(directory) {
  const own = ['lmdb', 'postgres', 'blobs', 'keys', 'temporal.db', 'temporal.db-shm', 'temporal.db-wal'];
  const isOwn = (name) => own.includes(name) || name.startsWith('lock') || name.endsWith('.lock') || name.endsWith('.pid');
  return readdirSync(directory).every(isOwn);
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
