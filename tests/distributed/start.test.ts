import { randomUUID } from 'node:crypto';

import { afterAll, describe, expect, test } from '@jest/globals';

import { stackSettings } from '../../app/stack/role-processes.js';
import { clusterDirectoryUrl } from '../../bench/process/heliograph-cluster.js';
import { dropCluster } from '../support/drop-cluster.js';
import { eventually } from '../support/eventually.js';
import { runNode, type RunningProgram } from '../support/run-program.js';

const name = `test_${randomUUID().slice(0, 8)}`;
afterAll(() => dropCluster(name));

/** A deployment of its own in the engines of the stack. */
function ownNames(deployment: string): Readonly<Record<string, string>> {
  return {
    HELIOGRAPH_KAFKA_PREFIX: deployment,
    HELIOGRAPH_REDIS_PREFIX: deployment,
    HELIOGRAPH_CASSANDRA_KEYSPACE: deployment,
    HELIOGRAPH_POSTGRES_URL: clusterDirectoryUrl(deployment),
  };
}

function start(settings: Readonly<Record<string, string>>): RunningProgram {
  const own = {
    HELIOGRAPH_ROLES: 'gateway',
    ...ownNames(name),
    HELIOGRAPH_PORT: '0',
    HELIOGRAPH_ADMIN_PORT: '0',
    HELIOGRAPH_LINK_PORT: '0',
    HELIOGRAPH_LOG_LEVEL: 'silent',
  };
  return runNode(['dist/workers/all-in-one.js'], { env: { ...stackSettings, ...own, ...settings } });
}

describe('a process of the distributed profile', () => {
  test('starts on an empty deployment, and ends on SIGTERM', async () => {
    const gateway = start({ HELIOGRAPH_GATEWAY_DRAIN_MS: '0' });
    await eventually(() => expect(gateway.stdout()).toMatch(/^Heliograph starts as gateway\nReady\.\n +WebSocket, REST +http:\S+\n/), 30_000);
    gateway.process.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
  }, 60_000);

  test('serves without S3, which it reports', async () => {
    const gateway = start({ HELIOGRAPH_GATEWAY_DRAIN_MS: '0', HELIOGRAPH_S3_URL: 'http://127.0.0.1:1' });
    const admin = await eventually(() => {
      const [, url] = / (http:\S+)\/metrics/.exec(gateway.stdout()) ?? [];
      expect(url).toBeDefined();
      return url ?? '';
    }, 30_000);
    const ready = await fetch(`${admin}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true, dependencies: { s3: 'away', kafka: 'ok' } }]);
    gateway.process.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
  }, 60_000);

  test.each([
    ['HELIOGRAPH_CLUSTER_SECRET', 'too short', 'HELIOGRAPH_CLUSTER_SECRET has 9 characters; give it at least 32, the same for all processes'],
    ['HELIOGRAPH_ROLES', 'gateway,cook', 'HELIOGRAPH_ROLES: Invalid option: expected one of "gateway"|"pipeline"|"temporal-worker"'],
    ['HELIOGRAPH_LOG_PARTITIONS', '7', 'has 6 partitions, 7 were asked for: a topic keeps the number it was made with'],
    ['HELIOGRAPH_POSTGRES_URL', 'postgres://nobody:wrong@127.0.0.1:15432/heliograph', 'PostgreSQL refuses: password authentication failed'],
    ['HELIOGRAPH_S3_SECRET_ACCESS_KEY', 'wrong', 'S3 refuses: '],
  ])('says in a line what is wrong with %s=%s', async (variable, value, line) => {
    const { code, stderr } = await start({ [variable]: value }).ended;
    expect(stderr).toMatch(/^heliograph: [^\n]+\n$/);
    expect(stderr).toContain(line);
    expect(code).toBe(1);
  });

  test.each([
    ['Kafka', 'HELIOGRAPH_KAFKA_BROKERS', '127.0.0.1:1'],
    ['Redis', 'HELIOGRAPH_REDIS_URL', 'redis://127.0.0.1:1'],
    ['Cassandra', 'HELIOGRAPH_CASSANDRA_CONTACT_POINTS', '127.0.0.1:1'],
    ['PostgreSQL', 'HELIOGRAPH_POSTGRES_URL', 'postgres://heliograph:heliograph@127.0.0.1:1/heliograph'],
  ])('waits for %s, says so, and gives up after its time without having served anybody', async (engine, variable, value) => {
    const { code, stdout, stderr } = await start({ [variable]: value, HELIOGRAPH_START_TIMEOUT_MS: '5000' }).ended;
    expect(stdout).toBe(`Heliograph starts as gateway\n  waiting for ${engine}\n`);
    expect(stderr).toContain(`heliograph: ${engine} did not answer within 5 s`);
    expect(stderr).toContain(`start it, or correct ${variable}`);
    expect(code).toBe(1);
  });
});

describe('heliograph migrate', () => {
  const migrate = (settings: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    runNode(['dist/cli/main.js', 'migrate', ...args], { env: { ...ownNames(`${name}_m`), ...settings } }).ended;
  afterAll(() => dropCluster(`${name}_m`));

  test('makes all that a process needs, several times at once and again', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => migrate({}, '--stack')));
    runs.push(await migrate(stackSettings));
    for (const { code, stdout, stderr } of runs) {
      expect(stderr).toBe('');
      const lines = stdout.trimEnd().split('\n');
      expect(lines.sort()).toEqual(['Cassandra ', 'Kafka     ', 'PostgreSQL', 'S3        '].map((engine) => `  ${engine} is up to date`));
      expect(code).toBe(0);
    }
  }, 60_000);

  test('says which engine is away, and fails', async () => {
    const { code, stdout, stderr } = await migrate(
      { HELIOGRAPH_S3_URL: 'http://127.0.0.1:1', HELIOGRAPH_START_TIMEOUT_MS: '1000', HELIOGRAPH_LOG_LEVEL: 'silent' },
      '--stack',
    );
    expect(stdout).toContain('S3         does not answer yet');
    expect(stderr).toMatch(/^heliograph: S3 did not answer within 1 s [^\n]+; start it, or correct HELIOGRAPH_S3_URL\n$/);
    expect(code).toBe(1);
  }, 30_000);

  test('names the setting that is missing or wrong', async () => {
    expect((await migrate({ HELIOGRAPH_KAFKA_BROKERS: '127.0.0.1:1', HELIOGRAPH_START_TIMEOUT_MS: 'x' })).stderr).toContain(
      'HELIOGRAPH_START_TIMEOUT_MS: ',
    );
  });
});
