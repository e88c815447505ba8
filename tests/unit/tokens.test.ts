import { statSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { openTokenKeys } from '../../app/own-keys.js';
import { createTokens } from '../../gateway/tokens.js';
import { newDevice } from '../support/drain-fixtures.js';
import { VirtualClock } from '../support/simulation/virtual-clock.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';

const lifetimeMs = 60_000;

describe('tokens', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => directory.remove());

  const tokens = (nowMs = 1_000_000) =>
    createTokens({ keys: openTokenKeys(directory.path), clock: Object.assign(new VirtualClock(), { nowMs: () => nowMs }), lifetimeMs });

  test('name their device until they end', async () => {
    const device = newDevice();
    const { token, expiresAtMs } = await tokens().issue(device);
    expect(await tokens(1_000_000 + lifetimeMs - 1).verify(token)).toEqual({ device, expiresAtMs });
    await expect(tokens(expiresAtMs + 1_000).verify(token)).rejects.toMatchObject({ code: 'unauthenticated', detail: { reason: 'expired' } });
  });

  test('are known again after a restart, and not to another server', async () => {
    const { token } = await tokens().issue(newDevice());
    await expect(tokens().verify(token)).resolves.toBeDefined();
    const other = temporaryDirectory();
    const stranger = createTokens({ keys: openTokenKeys(other.path), clock: new VirtualClock(), lifetimeMs });
    await expect(stranger.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
    other.remove();
  });

  test('are refused when anything in them was changed', async () => {
    const { token } = await tokens().issue(newDevice());
    const [head = '', body = '', signature = ''] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (const wrong of [
      '',
      'x',
      `${head}.${body}`,
      `${forged}.${body}.`,
      `${head}.${body}x.${signature}`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    ]) {
      await expect(tokens().verify(wrong)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
  });

  test('are signed by a key that only its owner can read', () => {
    openTokenKeys(directory.path);
    expect(statSync(join(directory.path, 'token-signing-key.pem')).mode & 0o777).toBe(0o600);
  });
});
