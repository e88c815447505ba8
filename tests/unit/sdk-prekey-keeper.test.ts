import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { DomainError } from '../../protocol/errors.js';
import { ecPrekeyTable, kemPrekeyTable } from '../../sdk/encryption/key-tables.js';
import { keepPrekeys } from '../../sdk/encryption/prekey-keeper.js';
import { RestClient } from '../../sdk/rest/rest-client.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { DeviceStage } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { PenPal } from '../support/pen-pal.js';
import type { SdkParty } from '../support/sdk-party.js';

const dayMs = 24 * 3_600_000;
let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

/** Keeps the keys of a party `afterMs` from now; answers which calls that took. */
async function keep({ store, address }: SdkParty, afterMs = 0): Promise<readonly string[]> {
  const rest = new RestClient(stage.server.url, () => Promise.resolve(`${address.accountId}.${address.deviceId}`));
  const from = stage.server.restCalls.length;
  await keepPrekeys({ store, rest, signal: new SerialQueue() }, Date.now() + afterMs);
  return stage.server.restCalls.slice(from);
}

function claim({ address: { accountId, deviceId }, ...party }: SdkParty, times: number): void {
  const { claimPrekeys } = stage.server.directory.handlers;
  for (let time = 0; time < times; time += 1) {
    claimPrekeys?.({ params: { accountId }, query: { device: deviceId }, body: undefined }, { accountId, deviceId, ...party });
  }
}

describe('prekeys', () => {
  test('are made when few are left at the server, and not before', async () => {
    const party = await stage.party();
    claim(party, 80);
    expect(await keep(party)).not.toContain('uploadPrekeys');
    claim(party, 1);
    expect(await keep(party)).toContain('uploadPrekeys');
    const { ecPrekeys, kemPrekeys } = stage.server.directory.keysOf(party.address);
    expect([ecPrekeys.length, kemPrekeys.length]).toEqual([119, 119]);
    expect(party.store.range(ecPrekeyTable, [])).toHaveLength(200);
    expect(new Set(ecPrekeys.map(({ keyId }) => keyId)).size).toBe(119);
  });

  test('are compared with those of the server once a day, and uploaded if it has others', async () => {
    const party = await stage.party();
    expect(await keep(party)).toEqual(['countPrekeys', 'checkPrekeys']);
    expect(await keep(party, dayMs / 2)).toEqual(['countPrekeys']);
    const keys = stage.server.directory.keysOf(party.address);
    const { signature } = keys.signedPrekey;
    const foreign = await stage.party();
    Object.assign(keys, { signedPrekey: foreign.prekeys.signedPrekey });
    expect(await keep(party, dayMs)).toEqual(['countPrekeys', 'checkPrekeys', 'uploadPrekeys']);
    expect(stage.server.directory.keysOf(party.address).signedPrekey.signature).toEqual(Buffer.from(signature));
  });

  test('that rotate are new after a week, also when the upload did not get through the first time', async () => {
    const party = await stage.party();
    await keep(party);
    const before = stage.server.directory.keysOf(party.address).signedPrekey.keyId;
    const { handlers } = stage.server.directory;
    const { checkPrekeys } = handlers;
    handlers.checkPrekeys = () => {
      throw new DomainError('unavailable', 'not now');
    };
    await expect(keep(party, 8 * dayMs)).rejects.toMatchObject({ code: 'unavailable' });
    Object.assign(handlers, { checkPrekeys });
    expect(await keep(party, 8 * dayMs)).toEqual(['countPrekeys', 'checkPrekeys', 'uploadPrekeys']);
    const { signedPrekey, kemLastResort } = stage.server.directory.keysOf(party.address);
    expect(signedPrekey.keyId).toBeGreaterThan(before);
    expect(party.store.range(kemPrekeyTable, []).filter(({ row }) => row.lastResort)).toHaveLength(2);
    expect(kemLastResort.keyId).toBeGreaterThan(before);
    expect(await keep(party, 8.5 * dayMs)).toEqual(['countPrekeys']);
  });

  test('of a device that stays connected are asked for again when many began to write to it', async () => {
    const { device } = await PenPal.withDevice(stage);
    const counts = () => stage.server.restCalls.filter((operation) => operation === 'countPrekeys').length;
    await eventually(() => expect(stage.server.restCalls.at(-1)).toBe('checkPrekeys'));
    const before = counts();
    for (let number = 0; number < 25; number += 1) await (await PenPal.of(stage, device)).write(device, 'hello');
    await eventually(() => expect(counts()).toBe(before + 1));
  }, 60_000);
});
