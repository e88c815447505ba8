import { resolve } from 'node:path';

import { beforeAll, expect, test } from '@jest/globals';

import { RawPair } from '../support/raw-pair.js';
import { runProgram } from '../support/run-program.js';
import { isDistributed, sharedServer, type RunningServer } from '../support/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const schemathesis = resolve('.tools', 'schemathesis');
/** The same edge answers on both profiles: behind the engines its answers are looked at, not its guard. */
const phases = isDistributed ? 'coverage' : 'coverage,fuzzing';
let server: RunningServer;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);

test('the running server answers as its OpenAPI document says, whatever it is sent, and never with a fault of its own', async () => {
  const { alice } = await RawPair.register(server);
  const directory = temporaryDirectory();
  const { code, stdout } = await runProgram(
    'python3',
    [
      ...['-m', 'schemathesis.cli', 'run', `${server.publicUrl}/v1/openapi.json`],
      ...['--header', `Authorization: Bearer ${alice.token}`, '--phases', phases, '--max-examples', '20', '--seed', '1', '--no-color'],
      // What fits the schema is refused all the same when a signature in it is not the account's.
      ...['--checks', 'all', '--exclude-checks', 'positive_data_acceptance'],
      // How quick this machine makes up data says nothing of the server.
      ...['--suppress-health-check', 'too_slow'],
    ],
    { cwd: directory.path, env: { PYTHONPATH: schemathesis } },
  ).ended;
  directory.remove();
  expect({ code, failures: code === 0 ? '' : stdout }).toEqual({ code: 0, failures: '' });
}, 300_000);
