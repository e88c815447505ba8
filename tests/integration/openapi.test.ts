import { beforeAll, test } from '@jest/globals';

import { expectAsDocumented } from '../support/schemathesis.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);

test('the running server answers as its OpenAPI document says, at every edge of its fields, and never with a fault of its own', async () => {
  await expectAsDocumented(server, 'coverage');
}, 300_000);
