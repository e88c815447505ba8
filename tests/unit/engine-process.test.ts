import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { EngineProcess, type EngineCommand } from '../../app/engines/engine-process.js';
import { createLogger } from '../../telemetry/logger.js';
import { eventually } from '../support/eventually.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';

let directory: TemporaryDirectory;
let engine: EngineProcess | undefined;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
  directory.remove();
});

async function start(script: string, options: Partial<EngineCommand> = {}): Promise<void> {
  const files = { logFile: join(directory.path, 'log'), pidFile: join(directory.path, 'pid') };
  engine = new EngineProcess(
    { name: 'engine', command: 'sh', args: ['-c', script], stopSignal: 'SIGTERM', ...files, ...options },
    createLogger('silent'),
  );
  await engine.start();
}

const log = () => readFileSync(join(directory.path, 'log'), 'utf8');

describe('an engine that is killed', () => {
  test('starts again, and what its children write after it is in its log', async () => {
    await start('echo begins; (sleep 0.3; echo late) & kill -9 $$');
    await eventually(() => {
      expect(log().match(/begins/g)?.length).toBeGreaterThan(1);
      expect(log()).toContain('late');
    });
  });

  test('is readied before every start, and tried again when that fails', async () => {
    let starts = 0;
    const beforeStart = () => {
      starts += 1;
      if (starts === 2) throw new Error('not yet');
    };
    await start('echo begins; kill -9 $$', { beforeStart });
    await eventually(() => expect(starts).toBeGreaterThan(3));
    expect(log().match(/begins/g)?.length).toBeGreaterThanOrEqual(2);
  });

  test('is tried again also when it cannot be remembered', async () => {
    await start('echo begins; kill -9 $$', { pidFile: join(directory.path, 'nowhere', 'pid') });
    await eventually(() => expect(log().match(/begins/g)?.length).toBeGreaterThan(1));
  });
});
