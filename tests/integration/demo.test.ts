import { expect, test } from '@jest/globals';

import { runNode } from '../support/run-program.js';
import { isDistributed } from '../support/server.js';

test('npm run demo proves that nothing was lost, doubled or reordered', async () => {
  const args = ['scripts/start.mjs', 'cli/demo.js', ...(isDistributed ? ['--distributed'] : [])];
  const { code, stdout, stderr } = await runNode(args, { env: { HOME: process.env['HOME'] ?? '/', PATH: process.env['PATH'] ?? '' } }).ended;
  expect(stderr).toBe('');
  expect(stdout).toMatch(/PASS: every accepted message is on both sides exactly once, in the same order\.\n$/);
  if (isDistributed) expect(stdout).toContain('They are on different gateways.');
  expect(code).toBe(0);
}, 240_000);
