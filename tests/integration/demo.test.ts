import { expect, test } from '@jest/globals';

import { runNode } from '../support/run-program.js';

test('npm run demo proves that nothing was lost, doubled or reordered', async () => {
  const { code, stdout, stderr } = await runNode(['scripts/start.mjs', 'cli/demo.js'], { env: { HOME: process.env['HOME'] ?? '/' } }).ended;
  expect(stderr).toBe('');
  expect(stdout).toMatch(/PASS: every accepted message is on both sides exactly once, in the same order\.\n$/);
  expect(code).toBe(0);
}, 180_000);
