import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { freePort } from '../../app/engines/ports.js';
import { openDevice } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { processesNaming, runNode, type RunningProgram } from '../support/run-program.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';

const readyMs = 60_000;
/** The server makes it one that PostgreSQL's own user may enter. */
let data: TemporaryDirectory;
let elsewhere: TemporaryDirectory;
let servers: RunningProgram[];
let listeners: Server[];

beforeEach(() => {
  [data, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
  servers = [];
  listeners = [];
});
afterEach(async () => {
  for (const server of servers) server.process.kill('SIGKILL');
  await Promise.all(servers.map(({ ended }) => ended));
  for (const listener of listeners) listener.close();
  await eventually(() => expect(processesNaming(data.path)).toEqual([]));
  for (const directory of [data, elsewhere]) directory.remove();
});

function start(settings: Readonly<Record<string, string>> = {}): RunningProgram {
  const ports = { HELIOGRAPH_PORT: '0', HELIOGRAPH_ADMIN_PORT: '0', HELIOGRAPH_TEMPORAL_UI_PORT: '0' };
  // The log says besides what became of an engine meanwhile, for example that Temporal found one of its own ports taken and was started again.
  const quiet = { HELIOGRAPH_LOG_LEVEL: 'silent' };
  const server = runNode(['dist/workers/all-in-one.js'], { env: { ...ports, ...quiet, HELIOGRAPH_DATA_DIR: data.path, ...settings } });
  servers.push(server);
  return server;
}

/** The address of its REST, as its greeting says it. */
function ready({ stdout }: RunningProgram): Promise<string> {
  return eventually(() => {
    const [, url = ''] = /REST +(http:\S+)\/v1\n/.exec(stdout()) ?? [];
    expect(url).not.toBe('');
    return url;
  }, readyMs);
}

async function takenPort(): Promise<number> {
  const port = await freePort();
  const listener = createServer().listen(port, '127.0.0.1');
  listeners.push(listener);
  await new Promise((resolve) => listener.once('listening', resolve));
  return port;
}

async function expectRefusal(server: RunningProgram, problem: RegExp, remedy: string): Promise<void> {
  const { code, stderr } = await server.ended;
  expect(stderr).toMatch(/^heliograph: [^\n]+\n$/);
  expect(stderr).toMatch(problem);
  expect(stderr).toContain(remedy);
  expect(code).toBe(1);
}

describe('a start that cannot go on says why in one line and what to do about it, and leaves nothing behind:', () => {
  test.each(['HELIOGRAPH_PORT', 'HELIOGRAPH_ADMIN_PORT', 'HELIOGRAPH_TEMPORAL_UI_PORT'])(
    '%s is taken',
    async (variable) => {
      const port = await takenPort();
      await expectRefusal(start({ [variable]: `${port}` }), new RegExp(`port ${port}\\b.* is taken`), variable);
      await eventually(() => expect(processesNaming(data.path)).toEqual([]));
    },
    readyMs,
  );

  test('the data directory cannot be written', async () => {
    const file = join(elsewhere.path, 'file');
    writeFileSync(file, '');
    await expectRefusal(
      start({ HELIOGRAPH_DATA_DIR: join(file, 'data') }),
      /data directory .*file\/data cannot be written \(ENOTDIR\)/,
      'HELIOGRAPH_DATA_DIR',
    );
  });

  test('a setting does not exist', async () => {
    await expectRefusal(start({ HELIOGRAPH_PROT: '1' }), /HELIOGRAPH_PROT: there is no such setting/, 'did you mean HELIOGRAPH_PORT?');
  });

  test('a setting is out of its range', async () => {
    await expectRefusal(start({ HELIOGRAPH_PORT: '70000' }), /HELIOGRAPH_PORT/, '65535');
  });

  test('the program of Temporal is not there', async () => {
    await expectRefusal(
      start({ HELIOGRAPH_TEMPORAL_CLI: join(elsewhere.path, 'temporal') }),
      /\/temporal cannot be run \(ENOENT\)/,
      'HELIOGRAPH_TEMPORAL_CLI',
    );
  });
});

describe('a server', () => {
  test(
    'keeps a second one out of its data directory, ends all that it started on Ctrl-C or when it is killed, and has everything at the next start',
    async () => {
      const first = start();
      const directory = join(elsewhere.path, 'alice');
      const alice = await openDevice({ server: await ready(first), directory, handle: 'alice' });
      await alice.close();

      await expectRefusal(start(), new RegExp(`another server \\(process ${first.process.pid}\\)`), 'HELIOGRAPH_DATA_DIR');
      expect(processesNaming(data.path).length).toBeGreaterThanOrEqual(2);

      first.process.kill('SIGINT');
      const { code, stdout, stderr } = await first.ended;
      expect({ code, stderr, lastWord: stdout.trimEnd().split('\n').at(-1) }).toEqual({ code: 0, stderr: '', lastWord: 'Stopped' });
      expect(processesNaming(data.path)).toEqual([]);

      const second = start();
      await ready(second);
      second.process.kill('SIGKILL');
      await second.ended;
      await eventually(() => expect(processesNaming(data.path)).toEqual([]));

      const third = start();
      const again = await openDevice({ server: await ready(third), directory, handle: 'alice' });
      expect(again.accountId).toBe(alice.accountId);
      again.connect();
      await eventually(() => expect(again.status.state).toBe('online'));
      await again.close();
    },
    3 * readyMs,
  );
});
