import { resolve } from 'node:path';

import { expect } from '@jest/globals';

import { RawPair } from './raw-pair.js';
import { runProgram } from './run-program.js';
import type { RunningServer } from './server.js';
import { temporaryDirectory } from './temporary-directory.js';

const schemathesis = resolve('.tools', 'schemathesis');

/**
 * Asks the server what its own OpenAPI document allows and what it forbids, as somebody who is signed in.
 * @param phase `coverage`: the edges of every field, always the same ones; `fuzzing`: whatever can be made up.
 */
export async function expectAsDocumented(server: RunningServer, phase: 'coverage' | 'fuzzing'): Promise<void> {
  const { alice } = await RawPair.register(server);
  const directory = temporaryDirectory();
  const { code, stdout } = await runProgram(
    'python3',
    [
      ...['-m', 'schemathesis.cli', 'run', `${server.publicUrl}/v1/openapi.json`],
      ...['--header', `Authorization: Bearer ${alice.token}`, '--phases', phase, '--max-examples', '20', '--seed', '1', '--no-color'],
      // What fits the schema is refused all the same when a signature in it is not the account's.
      ...['--checks', 'all', '--exclude-checks', 'positive_data_acceptance'],
      // How quick this machine makes up data says nothing of the server.
      ...['--suppress-health-check', 'too_slow'],
    ],
    { cwd: directory.path, env: { PYTHONPATH: schemathesis } },
  ).ended;
  directory.remove();
  expect({ code, failures: code === 0 ? '' : stdout }).toEqual({ code: 0, failures: '' });
}
