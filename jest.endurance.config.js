import base from './jest.config.js';

/** The embedded suites that take minutes or all of the machine: crashes by the dozen, long scripts, floods, storms, made-up requests by the thousand. @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/tests/endurance/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // A machine that is busy beyond measure makes late what is late in none that does its work.
  maxWorkers: 2,
};
