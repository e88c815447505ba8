import base from './jest.distributed.config.js';

/** The suites that need the engines for themselves, because they kill and freeze them. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/tests/engines/**/*.test.ts'],
  maxWorkers: 1,
};
