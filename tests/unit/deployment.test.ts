import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

import { allSettings, loadConfig } from '../../app/config/load-config.js';

interface Service {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: object;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly restart?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const read = (path: string) => readFileSync(path, 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const roles = services.filter(([, { environment }]) => environment?.['HELIOGRAPH_ROLES'] !== undefined);
const namesOf = (those: readonly (readonly [string, unknown])[]) => those.map(([name]) => name);

/** As Compose does it, where nothing is set but the secret. */
function interpolated(value: string): string {
  return value.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, operator?: string, fallback = '') =>
    operator === '-' ? String(fallback) : `${name} that is long enough for everything`,
  );
}

describe('docker-compose.yml', () => {
  test('is what the Compose specification allows', () => {
    const schema = JSON.parse(read('tests/support/compose-spec/compose-spec.json')) as object;
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    validate(compose);
    expect(validate.errors).toBeNull();
    validate({ ...compose, services: { ...compose.services, wrong: { imagine: 'x' } } });
    expect(validate.errors).not.toBeNull();
  });

  test('has two processes of each role, with settings that exist and will do', () => {
    expect(namesOf(roles)).toEqual(['gateway-1', 'gateway-2', 'pipeline-1', 'pipeline-2', 'temporal-worker-1', 'temporal-worker-2']);
    for (const [, { environment = {} }] of roles) {
      // A name without a value comes from outside, or is not set.
      const valued = Object.entries(environment).flatMap(([name, value]) => (value === null ? [] : [[name, interpolated(value)] as const]));
      expect(allSettings().map(({ variable }) => variable)).toEqual(expect.arrayContaining(Object.keys(environment)));
      const given = Object.fromEntries(valued);
      expect(loadConfig(given).process.clusterSecret?.reveal().length).toBeGreaterThanOrEqual(32);
    }
  });

  test('starts each service after those that it needs, by a condition that they can meet', () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const service = compose.services[needed];
        expect([name, needed, service]).toEqual([name, needed, expect.anything()]);
        if (condition === 'service_healthy') expect([needed, service?.healthcheck]).toEqual([needed, expect.anything()]);
        if (condition === 'service_completed_successfully') expect([needed, service?.restart]).toEqual([needed, 'on-failure']);
      }
    }
  });

  test('mounts files that are there and volumes that it declares, and keeps the data of every engine', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    const [files, volumes] = [sources.filter((source) => source.startsWith('./')), sources.filter((source) => !source.startsWith('./'))];
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    expect(volumes.sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(volumes).toEqual(expect.arrayContaining(['cassandra', 'kafka', 'postgres', 's3']));
  });

  test('opens no port to other machines unless it is told to', () => {
    const ports = services.flatMap(([, { ports: opened = [] }]) => opened).map(interpolated);
    expect(ports.length).toBeGreaterThan(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(new Set(ports.map((port) => port.split(':')[1])).size).toBe(ports.length);
  });

  test('pins every image to a version', () => {
    for (const [name, { image = '' }] of services)
      expect(image).toMatch(name in Object.fromEntries(roles) ? /^heliograph$/ : /^[\w./-]+:v?\d+(\.\d+)+$/);
  });
});

test('Prometheus reads every process, and HAProxy knows every gateway', () => {
  const { scrape_configs: jobs } = parse(read('deploy/prometheus.yml')) as { scrape_configs: { static_configs: { targets: string[] }[] }[] };
  expect(jobs.flatMap((job) => job.static_configs.flatMap(({ targets }) => targets))).toEqual(namesOf(roles).map((name) => `${name}:9090`));
  const servers = [...read('deploy/haproxy.cfg').matchAll(/^ +server (\S+) \S+:8080 check port 9090$/gm)].map(([, name]) => name);
  expect(servers).toEqual(namesOf(roles).filter((name) => name.startsWith('gateway')));
});

test('the image runs as nobody in particular, from what the lock file pins', () => {
  const dockerfile = read('Dockerfile');
  expect(dockerfile.match(/^FROM node:\d+\.\d+\.\d+-\w+-slim/gm)).toHaveLength(2);
  expect(dockerfile).toMatch(/^RUN npm ci$/m);
  expect(dockerfile.lastIndexOf('\nUSER node\n')).toBeGreaterThan(dockerfile.lastIndexOf('\nFROM '));
});
