import base from './jest.config.js';

/** Suites that go through the public door alone: they run on the embedded profile too. */
const onBothProfiles = [
  'websocket-bad-input',
  'explain',
  'workflows',
  'device-links',
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
  'quarantine',
  'drain-pause',
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
  'cli',
  'demo',
];

/** The suites on the engines of `npm run stack` that leave these as they are. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: [
    '<rootDir>/tests/distributed/**/*.test.ts',
    '<rootDir>/tests/endurance/scenario.test.ts',
    ...onBothProfiles.map((name) => `<rootDir>/tests/integration/${name}.test.ts`),
  ],
  testPathIgnorePatterns: ['/node_modules/'],
  // The engines and the processes under test share the cores already, but many suites wait for a time to be over.
  maxWorkers: 2,
};
