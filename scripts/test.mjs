/** `npm test [-- arguments of jest]`: prepares the checkout, runs jest and ends with one line `N passed, N failed`. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { prepare, root } from './prepare.mjs';
import { say } from './run-step.mjs';
import { runScript } from './set-up-error.mjs';

await runScript(() => prepare({ testServer: true }));

const scratch = mkdtempSync(join(tmpdir(), 'heliograph-jest-'));
const countFile = join(scratch, 'counts.json');
const code = await runJest(process.argv.slice(2));
const { passed, failed } = counts();
rmSync(scratch, { recursive: true, force: true });
say(`${passed} passed, ${failed} failed`);
process.exitCode = code === 0 && failed > 0 ? 1 : code;

function runJest(args) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(process.execPath, [jest, ...args], { cwd: root, env: environment(), stdio: 'inherit' });
  // Ctrl-C reaches jest through the terminal; this process stays to tell the result.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('close', (exitCode) => resolve(exitCode ?? 1));
  });
}

/** Settings of a server that this shell is meant for must not leak into the tests. */
function environment() {
  const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith('HELIOGRAPH_'));
  const nodeOptions = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'].filter(Boolean).join(' ');
  return { ...Object.fromEntries(foreign), NODE_OPTIONS: nodeOptions, JEST_COUNT_FILE: countFile };
}

/** No counts: jest itself did not get through. */
function counts() {
  try {
    return JSON.parse(readFileSync(countFile, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
}
