import base from './jest.config.js';

/** The suites on the engines of `npm run stack`. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/tests/distributed/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // The engines and the processes under test share the cores already.
  maxWorkers: 1,
};
