import base from './jest.distributed.config.js';

/** The suites that need the engines for themselves, because they kill and freeze them or keep them as busy as they can be. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/tests/engines/**/*.test.ts', '<rootDir>/tests/endurance/presence-storm.test.ts', '<rootDir>/tests/endurance/drains.test.ts'],
  maxWorkers: 1,
};
