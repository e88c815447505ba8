import base from './jest.config.js';

/** Suites that go through the public door alone: they run on the embedded profile too. */
const onBothProfiles = [
  'websocket-bad-input',
  'explain',
  'workflows',
  'gateway-recovery',
  'groups',
  'channels',
  'prekeys',
  'registration-proof',
  'openapi',
  'protocol-walk',
  'privacy',
  'presence',
  'websocket-devices',
  'websocket-limits',
  'websocket-session',
  'push',
  'removal',
  'rest',
  'rest-limits',
  'entity-tags',
  'media',
  'missed-devices',
  'sdk',
  'sdk-groups',
  'sdk-channels',
  'sdk-devices',
  'sdk-files',
  'sdk-content',
  'sdk-crash',
  'examples',
  'scenario',
  'cli',
  'demo',
];

/** The suites on the engines of `npm run stack` that leave these as they are. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/tests/distributed/**/*.test.ts', ...onBothProfiles.map((name) => `<rootDir>/tests/integration/${name}.test.ts`)],
  testPathIgnorePatterns: ['/node_modules/'],
  // The engines and the processes under test share the cores already.
  maxWorkers: 1,
};
