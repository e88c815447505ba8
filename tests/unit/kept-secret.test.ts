import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { keptSecret } from '../../app/kept-secret.js';
import { StartError } from '../../app/start-error.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';

let directory: TemporaryDirectory;
let made: number;

const keep = () => keptSecret(directory.path, 'token', () => `secret ${++made}`);

beforeEach(() => {
  directory = temporaryDirectory();
  made = 0;
});
afterEach(() => {
  directory.remove();
});

describe('a kept secret', () => {
  test('is made once and stays, for its owner alone', () => {
    expect([keep(), keep()]).toEqual(['secret 1', 'secret 1']);
    expect(statSync(join(directory.path, 'token')).mode & 0o777).toBe(0o600);
  });

  test('is whole after a start that was cut short while it was written', () => {
    writeFileSync(join(directory.path, 'token.new'), 'sec');
    expect(keep()).toBe('secret 1');
  });

  test('that cannot be read stops the start in words', () => {
    mkdirSync(join(directory.path, 'token'));
    expect(keep).toThrow(StartError);
    expect(keep).toThrow(`the token cannot be read from ${join(directory.path, 'token')} (EISDIR)`);
  });
});
