import { readFile } from 'node:fs/promises';

import { beforeAll, expect, test } from '@jest/globals';

import { runProgram } from '../support/run-program.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);

/** The commands of the page, in their order. */
async function commandsOf(page: string): Promise<readonly string[]> {
  return [...(await readFile(page, 'utf8')).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => commands);
}

/** What was printed, by lines without the prompt of wscat; those that are JSON as such. */
function linesOf(printed: string): readonly unknown[] {
  const lines = printed.split('\n').map((line) => line.replace(/^(> )+/, ''));
  return lines.map((line) => (line.startsWith('{') ? (JSON.parse(line) as unknown) : line));
}

test('the commands of docs/protocol-walk.md bring two accounts to talk', async () => {
  const commands = await commandsOf('docs/protocol-walk.md');
  expect(commands.length).toBeGreaterThan(8);
  const { code, stdout, stderr } = await runProgram('bash', ['--norc', '-euo', 'pipefail', '-c', commands.join('\n')], {
    env: { SERVER: server.publicUrl, PAUSE: '4' },
  }).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const printed = linesOf(stdout);
  const positions = { position: expect.any(Number) };
  expect(printed).toContainEqual(expect.objectContaining({ handle: 'alice', deviceId: 1 }));
  expect(printed).toContainEqual(expect.objectContaining({ type: 'accepted', id: 1, ...positions }));
  expect(printed).toContainEqual(expect.objectContaining({ type: 'welcome', inbox: 'draining' }));
  expect(printed).toContainEqual({ type: 'inbox.empty', drained: 1 });
  expect(printed).toContainEqual({ type: 'ok', id: 2 });
  expect(printed).toContain('hello bob');
  expect(printed).toContainEqual({ items: [expect.objectContaining({ kind: 'message', body: 'aGVsbG8gYm9i', ...positions })] });
  expect(printed).toContainEqual({ items: [expect.objectContaining({ deviceId: 1, deliveredPosition: expect.any(Number) })] });
  expect(printed).toContain('304');
  expect(printed).toContainEqual(expect.objectContaining({ type: 'error', id: 1, detail: { field: 'attempt' } }));
}, 120_000);
