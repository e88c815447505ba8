import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from '@jest/globals';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';

import { quietRuntime, workflowBundle } from '../support/temporal.js';

const folder = 'tests/workflows/histories';
const recordings = readdirSync(folder).filter((name) => name.endsWith('.json'));

const historyOf = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const replay = (codePath: string, history: unknown) => Worker.runReplayHistory({ workflowBundle: { codePath } }, history, 'replayed');

describe('workflows that an earlier version began', () => {
  let present: string;
  let changed: string;
  beforeAll(() => {
    quietRuntime();
    present = workflowBundle();
    changed = workflowBundle('tests/support/changed-workflows/changed.ts');
  }, 60_000);

  test('there is a recording of each', () => {
    const types = ['account-erasure', 'device-link', 'device-unlink', 'drain-wave', 'gateway-recovery', 'media-expiry'];
    expect([...new Set(recordings.map((name) => name.replace(/-\d.*/, '')))].sort()).toEqual(types);
  });

  test.each(recordings)('%s goes on under the present workflow code', async (name) => {
    await replay(present, historyOf(name));
  });

  test.each(recordings)('%s fails as a determinism violation when the workflow orders other things', async (name) => {
    await expect(replay(changed, historyOf(name))).rejects.toThrow(DeterminismViolationError);
  });
});
