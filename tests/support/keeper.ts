/**
 * The keeper of a test run: a process that makes what suites share when the first of them asks (`askKeeper`). Its first line says where it listens. When its input ends it stops all
 * it made and is gone; that happens however the run ends.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { postgresCommand } from '../../app/engines/postgres-server.js';
import { keptSecret } from '../../app/kept-secret.js';
import { listen, stopListening } from '../../app/listen.js';
import type { Kept } from './keeper-client.js';
import { TestServer } from './server.js';
import { sharedSettings } from './shared-settings.js';
import { temporaryDirectory } from './temporary-directory.js';

/** However its engines are. */
const stopTimeoutMs = 90_000;

const directory = temporaryDirectory();
const made = new Map<string, Promise<unknown>>();
const ends: (() => Promise<void>)[] = [];

const makers: { readonly [Name in keyof Kept]: () => Promise<Kept[Name]> } = {
  server: async () => {
    const server = await TestServer.start({ environment: sharedSettings });
    ends.push(() => server.stop());
    return server.place;
  },
  postgres: async () => {
    const [postgres, keys] = ['postgres', 'keys'].map((name) => join(directory.path, name)) as [string, string];
    for (const path of [postgres, keys]) mkdirSync(path, { mode: 0o700 });
    const password = keptSecret(keys, 'postgres-password', () => randomBytes(24).toString('base64url'));
    await postgresCommand({ directory: postgres, password, port: 0 });
    // Tests kill processes, never the machine; and a copy is not on its disk yet, which the first flush would wait for.
    appendFileSync(join(postgres, 'cluster', 'postgresql.conf'), 'fsync = off\n');
    return directory.path;
  },
};

function isKept(name: string): name is keyof Kept {
  return Object.hasOwn(makers, name);
}

/** The same for everybody who asks with the same path: `/NAME/WHOSE`. */
async function make(path: string): Promise<unknown> {
  const [, name = ''] = path.split('/');
  if (!isKept(name)) throw new Error(`nobody keeps ${name}`);
  const making = made.get(path) ?? makers[name]();
  made.set(path, making);
  return making;
}

async function stop(): Promise<void> {
  setTimeout(() => process.exit(1), stopTimeoutMs).unref();
  await Promise.allSettled(made.values());
  await Promise.allSettled(ends.map((end) => end()));
  await stopListening(server);
  directory.remove();
}

// PostgreSQL runs as somebody else when this is root.
chmodSync(directory.path, 0o711);
const server = createServer((request, response) => {
  // A suite may ask again just when a connection that was kept ends.
  response.setHeader('connection', 'close');
  make(request.url ?? '').then(
    (kept) => response.end(JSON.stringify(kept)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
const url = `http://127.0.0.1:${await listen(server, '127.0.0.1', 0, 'none')}`;
process.env['HELIOGRAPH_TEST_KEEPER'] = url;
console.log(url);
process.stdin.resume().once('end', () => void stop());
