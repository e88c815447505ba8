import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { root } from './prepare.mjs';

/** Runs jest; resolves to its exit code, whether a signal ended it, and how many tests passed and failed. */
export async function runJest(args, profile = 'embedded') {
  const scratch = mkdtempSync(join(tmpdir(), 'heliograph-jest-'));
  const countFile = join(scratch, 'counts.json');
  const { exitCode, signal } = await run(args, environment(countFile, profile));
  const counts = countsIn(countFile);
  rmSync(scratch, { recursive: true, force: true });
  return { code: counts.failed > 0 ? 1 : (exitCode ?? 1), isCutShort: signal !== null, ...counts };
}

function run(args, env) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(process.execPath, [jest, ...args], { cwd: root, env, stdio: 'inherit' });
  // Ctrl-C reaches jest through the terminal; this process stays to tell the result.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

/** Settings of a server that this shell is meant for must not leak into the tests. */
function environment(countFile, profile) {
  const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith('HELIOGRAPH_'));
  const nodeOptions = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'].filter(Boolean).join(' ');
  return { ...Object.fromEntries(foreign), NODE_OPTIONS: nodeOptions, JEST_COUNT_FILE: countFile, HELIOGRAPH_TEST_PROFILE: profile };
}

/** No counts: jest itself did not get through. */
function countsIn(countFile) {
  try {
    return JSON.parse(readFileSync(countFile, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
}
