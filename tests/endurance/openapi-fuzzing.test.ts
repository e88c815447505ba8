import { beforeAll, test } from '@jest/globals';

import { expectAsDocumented } from '../support/schemathesis.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);

test('the running server answers as its OpenAPI document says, whatever it is sent, and never with a fault of its own', async () => {
  await expectAsDocumented(server, 'fuzzing');
}, 300_000);
