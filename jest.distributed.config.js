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

const pathOf = (name) => `<rootDir>/tests/${name}.test.ts`;

/** What takes all of the machine, or judges how long a break is felt: nothing runs beside it. */
export const alone = ['distributed/faults', 'distributed/partitions', 'endurance/presence-storm', 'endurance/drains'].map(pathOf);

/** The suites on the engines of `npm run stack` that leave these as they are. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['distributed/**/*', 'endurance/scenario', ...onBothProfiles.map((name) => `integration/${name}`)].map(pathOf),
  testPathIgnorePatterns: ['/node_modules/', ...alone],
  // The engines and the processes under test share the cores already, but many suites wait for a time to be over.
  maxWorkers: 2,
};
