import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import type { LoadDevice } from '../../bench/load/wire.js';
import type { AccountId, DeviceAddress, DeviceId } from '../../protocol/ids.js';
import { prekeyBundle, prekeyCount, prekeyDigest, type PrekeyBundle } from '../../protocol/rest/prekey.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { ecPrekey, kemPrekey, keyIds, signedPrekey } from '../support/directory-fixtures.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { RawClient } from '../support/raw-client.js';
import { RegisteredDevices } from '../support/registered-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
let registered: RegisteredDevices;
let claimer: LoadDevice;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await sharedServer();
  registered = new RegisteredDevices(server);
  claimer = await device();
}, 120_000);
afterEach(() => live.end());
afterAll(() => registered.close());

/** Of an account with keys that nobody can open anything with. */
async function device({ ec = 0, kem = 0 } = {}): Promise<LoadDevice> {
  const [made] = (await registered.account(1)).devices;
  if (made === undefined) throw new Error('one device was asked for');
  await upload(made, { ec: keyIds(ec), kem: keyIds(kem) });
  return made;
}

/** Past the signatures, which such keys lack. */
function upload(to: LoadDevice, { ec = [], kem = [] }: { readonly ec?: readonly number[]; readonly kem?: readonly number[] }) {
  return registered.directory.prekeys.upload(addressOf(to), { ecPrekeys: ec.map(ecPrekey), kemPrekeys: kem.map(kemPrekey) });
}

const addressOf = ({ accountId, deviceId }: LoadDevice): DeviceAddress => ({ accountId: accountId as AccountId, deviceId: deviceId as DeviceId });
const ask = (as: LoadDevice, path: string, init: RequestInit = {}) =>
  fetch(`${server.publicUrl}/v1${path}`, { ...init, headers: { authorization: `Bearer ${as.token}`, 'content-type': 'application/json' } });

function claim({ accountId }: Pick<DeviceAddress, 'accountId'> | LoadDevice, times = 1): Promise<readonly PrekeyBundle[]> {
  return Promise.all(Array.from({ length: times }, () => claimOnce(accountId)));
}

/** Again when the directory, which lets nobody wait long for a connection, says so. */
async function claimOnce(accountId: string): Promise<PrekeyBundle> {
  const answer = await ask(claimer, `/accounts/${accountId}/prekeys`);
  if (answer.status !== 503) return prekeyBundle.parse(await answer.json());
  await answer.body?.cancel();
  await sleep(Number(answer.headers.get('retry-after')) * 1_000);
  return claimOnce(accountId);
}

describe('one-time prekeys', () => {
  test('are handed out once each when 500 claim 100 keys at once; the others get the last-resort key', async () => {
    const bob = await device({ ec: 100, kem: 100 });
    const before = await server.metric('heliograph_rest_prekey_bundles_total{kem="last-resort"}');
    const bundles = (await claim(bob, 500)).flatMap(({ devices }) => devices);
    const byNumber = (one: number, other: number) => one - other;
    const ec = bundles.flatMap(({ ecPrekey: key }) => (key === undefined ? [] : [key.keyId]));
    const kem = bundles.map(({ kemPrekey: { keyId } }) => keyId);
    expect(ec.sort(byNumber)).toEqual(keyIds(100));
    expect(kem.sort(byNumber)).toEqual([...keyIds(100), ...Array<number>(400).fill(9_002)]);
    expect(prekeyCount.parse(await (await ask(bob, '/prekeys/count')).json())).toEqual({ ec: 0, kem: 0 });
    expect((await server.metric('heliograph_rest_prekey_bundles_total{kem="last-resort"}')) - before).toBe(400);
  }, 60_000);

  test('are told to the device when few are left, once, and once more when there is none', async () => {
    const bob = await device({ ec: 24, kem: 100 });
    const told: ServerFrame[] = [];
    const client = await RawClient.connect(`${server.socketUrl}?account=${bob.accountId}`, 'json', {}, (frame) => {
      if (frame.type === 'prekeys.low') told.push(frame);
    });
    client.send({ type: 'hello', token: bob.token, connection: 1, device: { name: 'raw', version: '1' } });
    await client.next('welcome');
    const frame = (ecRemaining: number, kemRemaining: number) => ({ type: 'prekeys.low', ecRemaining, kemRemaining });
    const first = frame(19, 95);
    for (let times = 0; times < 8; times += 1) await claim(bob);
    await eventually(() => expect(told).toEqual([first]));
    const second = frame(0, 76);
    for (let times = 0; times < 20; times += 1) await claim(bob);
    await eventually(() => expect(told).toEqual([first, second]));
    // Enough again, so that it may hear of it again.
    await upload(bob, { ec: keyIds(21, 1_000) });
    for (let times = 0; times < 3; times += 1) await claim(bob);
    await eventually(() => expect(told).toEqual([first, second, frame(19, 70)]));
    await client.close();
  }, 30_000);

  test('are brought by a device of the SDK as soon as it hears of it, and when it comes back', async () => {
    const directory = live.directory();
    const bob = await live.open(directory, `bob-${v7().slice(-8)}`);
    const own = { accountId: bob.accountId, deviceId: bob.deviceId };
    const left = () => registered.directory.prekeys.count(own);
    await eventually(() => expect(bob.status.state).toBe('online'));
    expect(await left()).toEqual({ ec: 100, kem: 100 });
    await claim(own, 85);
    await eventually(async () => expect(await left()).toEqual({ ec: 115, kem: 115 }));
    await live.close(bob);
    await claim(own, 110);
    expect(await left()).toEqual({ ec: 5, kem: 5 });
    await live.open(directory);
    await eventually(async () => expect(await left()).toEqual({ ec: 105, kem: 105 }));
  }, 60_000);
});

describe('the check of prekeys', () => {
  const check = (as: LoadDevice, digest: Uint8Array) =>
    ask(as, '/prekeys/check', { method: 'POST', body: JSON.stringify({ digest: Buffer.from(digest).toString('base64url') }) });

  test('tells a device whether the server has its keys', async () => {
    const bob = await device();
    const keys = await registered.directory.prekeys.current(addressOf(bob));
    expect((await check(bob, prekeyDigest(keys))).status).toBe(204);
    for (const changed of [{ signedPrekey: signedPrekey(1) }, { kemLastResort: kemPrekey(1) }, { identityKey: ecPrekey(1).publicKey }]) {
      const refused = await check(bob, prekeyDigest({ ...keys, ...changed }));
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([409, 'conflict']);
    }
  });

  test('makes a device of the SDK bring its keys again after its start, if the server was set back', async () => {
    const directory = live.directory();
    const bob = await live.open(directory, `bob-${v7().slice(-8)}`);
    const own = { accountId: bob.accountId, deviceId: bob.deviceId };
    const current = () => registered.directory.prekeys.current(own);
    await eventually(() => expect(bob.status.state).toBe('online'));
    const published = await current();
    await live.close(bob);
    await registered.directory.prekeys.upload(own, { signedPrekey: signedPrekey(9_001), kemLastResort: kemPrekey(9_002) });
    expect(await current()).not.toEqual(published);
    await live.open(directory);
    await eventually(async () => expect(await current()).toEqual(published));
  }, 30_000);
});
