import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { root } from './prepare.mjs';

let keeper;
let gone;

/** Starts tests/support/keeper.ts and answers its address. In a process group of its own: Ctrl-C does not reach it, the end of its input does. */
export async function startKeeper() {
  const args = ['--import', 'tsx', join('tests', 'support', 'keeper.ts')];
  keeper = spawn(process.execPath, args, { cwd: root, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  gone = once(keeper, 'exit');
  const [url] = await Promise.race([
    once(createInterface({ input: keeper.stdout }), 'line'),
    gone.then(() => Promise.reject(new Error('the keeper of the tests did not start'))),
  ]);
  return url;
}

/** Resolves when it and all that it kept are gone. */
export async function stopKeeper() {
  keeper.stdin.end();
  await gone;
}
