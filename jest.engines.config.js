import base, { alone } from './jest.distributed.config.js';

/** The suites on the engines that run one after the other: those that kill and freeze the engines, and whatever else needs the machine for itself. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/tests/engines/**/*.test.ts', ...alone],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
