import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { freePorts } from '../../app/engines/ports.js';
import { listen, stopListening } from '../../app/listen.js';
import { renderHaproxyConfig } from '../../app/stack/haproxy-config.js';
import { ChildServer } from '../../bench/process/child-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const directory = temporaryDirectory();
const asked: string[] = [];
const gateways: Server[] = [];
let haproxy: ChildServer;
let url: string;

/** A gateway that is there for HAProxy; what it is asked comes to `asked`. */
async function startGateway(name: string, answer: RequestListener): Promise<{ name: string; host: string; port: number; adminPort: number }> {
  const server = createServer((request, response) => {
    if (request.url === '/accepting') return response.end();
    asked.push(`${request.method} of ${name}`);
    return answer(request, response);
  });
  gateways.push(server);
  const port = await listen(server, '127.0.0.1', 0, 'none');
  return { name, host: '127.0.0.1', port, adminPort: port };
}

beforeAll(async () => {
  const [port] = await freePorts(1);
  url = `http://127.0.0.1:${port}`;
  const config = join(directory.path, 'haproxy.cfg');
  const both = [
    await startGateway('dying', (request) => request.socket.destroy()),
    await startGateway('lively', (_, response) => response.setHeader('keep-alive', 'timeout=75').end('here')),
  ];
  writeFileSync(config, renderHaproxyConfig({ bind: `127.0.0.1:${port}`, gateways: both }));
  haproxy = new ChildServer({ command: 'haproxy', args: ['-db', '-f', config], cwd: directory.path, env: process.env });
  await haproxy.untilOk(`${url}/`, 10_000);
}, 20_000);
afterAll(async () => {
  await haproxy.stop();
  await Promise.all(gateways.map(stopListening));
  directory.remove();
});

/** Of an account that is the dying gateway's. */
async function accountOfTheDying(): Promise<string> {
  for (let account = 0; account < 100; account += 1) {
    asked.length = 0;
    await fetch(`${url}/?account=${account}`);
    if (asked[0] === 'GET of dying') return `${url}/?account=${account}`;
  }
  throw new Error('no account is hashed to the dying gateway');
}

test('a read that its gateway leaves unanswered is asked again of another one, a change is not', async () => {
  const target = await accountOfTheDying();
  asked.length = 0;
  const read = await fetch(target);
  expect([read.status, await read.text()]).toEqual([200, 'here']);
  expect(asked.at(-1)).toBe('GET of lively');
  asked.length = 0;
  // 502, or an end without an answer for a client that had asked before on its connection.
  const isDone = await fetch(target, { method: 'POST', body: 'once' }).then(
    ({ ok }) => ok,
    () => false,
  );
  expect(isDone).toBe(false);
  expect(asked).toEqual(['POST of dying']);
});

test('how long a gateway keeps an idle connection is not what clients are told of the proxy', async () => {
  const answered = await fetch(url);
  expect([answered.status, answered.headers.get('keep-alive')]).toEqual([200, null]);
});
