import { availableParallelism } from 'node:os';

/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/scripts/test-environment.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } }],
  },
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  // `npm run test:endurance`; the others need the engines of `npm run stack`: `npm run test:distributed`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/tests/endurance/', '<rootDir>/tests/distributed/', '<rootDir>/tests/engines/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.heliograph/', '<rootDir>/.tools/', '<rootDir>/.stack/'],
  globalSetup: '<rootDir>/scripts/before-suites.mjs',
  globalTeardown: '<rootDir>/scripts/after-suites.mjs',
  testSequencer: '<rootDir>/scripts/long-suites-first.mjs',
  reporters: ['default', '<rootDir>/scripts/count-reporter.mjs'],
  testTimeout: 30_000,
  // Most files wait for engines and sockets, so three at a time pay off even on two cores; more than half of many cores would make timings doubtful.
  maxWorkers: Math.max(3, Math.floor(availableParallelism() / 2)),
};
