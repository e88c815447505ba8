import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { v7 } from 'uuid';

import { makeAccountKeys } from '../../bench/load/register-accounts.js';
import { bytesReplacer } from '../../protocol/bytes.js';
import type { AccountId } from '../../protocol/ids.js';
import { rateLimits } from '../../protocol/limits.js';
import { openDevice } from '../../sdk/index.js';
import { TestServer } from '../support/server.js';
import { shippedLimits } from '../support/shipped-limits.js';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.js';
import { untilLimited } from '../support/until-limited.js';

const signUp = generateKeyPairSync('ed25519');
const directories: TemporaryDirectory[] = [];
let server: TestServer;

beforeAll(async () => {
  const { x = '' } = signUp.publicKey.export({ format: 'jwk' });
  server = await TestServer.start({ each: 1, environment: { HELIOGRAPH_REGISTRATION_PERMIT_KEY: x } });
}, 120_000);
afterEach(() => {
  for (const directory of directories.splice(0)) directory.remove();
});
afterAll(() => server.stop());

interface Permit {
  readonly handle?: string;
  readonly audience?: string;
  readonly endsInSeconds?: number;
  readonly key?: KeyObject;
}

function permit({
  handle = 'alice',
  audience = 'heliograph/registration',
  endsInSeconds = 60,
  key = signUp.privateKey,
}: Permit = {}): Promise<string> {
  const endsAt = Math.floor(Date.now() / 1_000) + endsInSeconds;
  return new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).setSubject(handle).setAudience(audience).setExpirationTime(endsAt).sign(key);
}

async function register(registrationProof: string | undefined): Promise<string> {
  const directory = temporaryDirectory();
  directories.push(directory);
  const device = await openDevice({ server: server.publicUrl, directory: directory.path, handle: 'alice', registrationProof });
  await device.close();
  return device.handle;
}

test.each<[string, () => Promise<string | undefined>]>([
  ['no permit', () => Promise.resolve(undefined)],
  ['something else', () => Promise.resolve('let me in')],
  ['a permit for another handle', () => permit({ handle: 'bob' })],
  ['a permit for another purpose', () => permit({ audience: 'heliograph/v1' })],
  ['a permit whose time is over', () => permit({ endsInSeconds: -5 })],
  ['a permit that somebody else signed', () => permit({ key: generateKeyPairSync('ed25519').privateKey })],
])('who brings %s does not register', async (_, proof) => {
  await expect(register(await proof())).rejects.toMatchObject({ code: 'forbidden', detail: { field: 'proof' } });
});

test('one address registers no more accounts than the limit says, whatever it brings', async () => {
  const limited = await TestServer.start({ each: 1, environment: shippedLimits('registration') });
  const keys = makeAccountKeys();
  const attempt = () => {
    const body = JSON.stringify(keys.accountOf(v7() as AccountId, randomBytes(32)), bytesReplacer);
    return fetch(`${limited.publicUrl}/v1/accounts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  };
  const answer = await untilLimited(rateLimits.registration, attempt, ({ status }) => status !== 201);
  expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
  await limited.stop();
}, 60_000);

test('who brings a permit of the sign-up service registers', async () => {
  expect(await register(await permit())).toBe('alice');
});
