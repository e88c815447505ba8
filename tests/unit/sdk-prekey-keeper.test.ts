import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { DomainError } from '../../protocol/errors.js';
import { ecPrekeyTable, kemPrekeyTable } from '../../sdk/encryption/key-tables.js';
import { PrekeyKeeper } from '../../sdk/encryption/prekey-keeper.js';
import { RestClient } from '../../sdk/rest/rest-client.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { DeviceStage } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { PenPal } from '../support/pen-pal.js';
import { oneTimePrekeys, type SdkParty } from '../support/sdk-party.js';

const dayMs = 24 * 3_600_000;
let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

/** Keeps the keys of a party from now on: each call so much later than the start, answering which calls of the server that took. */
function keeperOf({ store, address }: SdkParty): (afterMs?: number) => Promise<readonly string[]> {
  const rest = new RestClient(stage.server.url, () => Promise.resolve(`${address.accountId}.${address.deviceId}`));
  const keeper = new PrekeyKeeper({ store, rest, signal: new SerialQueue(), inBackground: () => undefined });
  return async (afterMs = 0) => {
    const from = stage.server.restCalls.length;
    await keeper.keep(Date.now() + afterMs);
    return stage.server.restCalls.slice(from);
  };
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
    const keep = keeperOf(party);
    claim(party, oneTimePrekeys - 20);
    expect(await keep()).not.toContain('uploadPrekeys');
    claim(party, 1);
    expect(await keep()).toContain('uploadPrekeys');
    const { ecPrekeys, kemPrekeys } = stage.server.directory.keysOf(party.address);
    expect([ecPrekeys.length, kemPrekeys.length]).toEqual([119, 119]);
    expect(party.store.range(ecPrekeyTable, [])).toHaveLength(oneTimePrekeys + 100);
    expect(new Set(ecPrekeys.map(({ keyId }) => keyId)).size).toBe(119);
  });

  test('are compared with those of the server once a day, and uploaded if it has others', async () => {
    const party = await stage.party();
    const keep = keeperOf(party);
    expect(await keep()).toEqual(['countPrekeys', 'checkPrekeys']);
    expect(await keep(dayMs / 2)).toEqual(['countPrekeys']);
    const keys = stage.server.directory.keysOf(party.address);
    const { signature } = keys.signedPrekey;
    const foreign = await stage.party();
    Object.assign(keys, { signedPrekey: foreign.prekeys.signedPrekey });
    expect(await keep(dayMs)).toEqual(['countPrekeys', 'checkPrekeys', 'uploadPrekeys']);
    expect(stage.server.directory.keysOf(party.address).signedPrekey.signature).toEqual(Buffer.from(signature));
  });

  test('are compared after every start, so that a server that was set back has them again soon', async () => {
    const party = await stage.party();
    await keeperOf(party)();
    const foreign = await stage.party();
    Object.assign(stage.server.directory.keysOf(party.address), { kemLastResort: foreign.prekeys.kemLastResort });
    expect(await keeperOf(party)()).toEqual(['countPrekeys', 'checkPrekeys', 'uploadPrekeys']);
    expect(stage.server.directory.keysOf(party.address).kemLastResort.keyId).toBe(party.prekeys.kemLastResort.keyId);
  });

  test('that rotate are new after a week, also when the upload did not get through the first time', async () => {
    const party = await stage.party();
    const keep = keeperOf(party);
    await keep();
    const before = stage.server.directory.keysOf(party.address).signedPrekey.keyId;
    const { handlers } = stage.server.directory;
    const { checkPrekeys } = handlers;
    handlers.checkPrekeys = () => {
      throw new DomainError('unavailable', 'not now');
    };
    await expect(keep(8 * dayMs)).rejects.toMatchObject({ code: 'unavailable' });
    Object.assign(handlers, { checkPrekeys });
    expect(await keep(8 * dayMs)).toEqual(['countPrekeys', 'checkPrekeys', 'uploadPrekeys']);
    const { signedPrekey, kemLastResort } = stage.server.directory.keysOf(party.address);
    expect(signedPrekey.keyId).toBeGreaterThan(before);
    expect(party.store.range(kemPrekeyTable, []).filter(({ row }) => row.lastResort)).toHaveLength(2);
    expect(kemLastResort.keyId).toBeGreaterThan(before);
    expect(await keep(8.5 * dayMs)).toEqual(['countPrekeys']);
  });

  test('of a device that is told that few are left are made at once, also when it is counting just then', async () => {
    const { device } = await PenPal.withDevice(stage);
    await eventually(() => expect(stage.server.restCalls.at(-1)).toBe('checkPrekeys'));
    const own = { accountId: device.accountId, deviceId: device.deviceId };
    const keys = () => stage.server.directory.keysOf(own);
    const take = (left: number) => {
      keys().ecPrekeys.splice(left);
      stage.server.push(own, { type: 'prekeys.low', ecRemaining: left, kemRemaining: keys().kemPrekeys.length });
    };
    take(19);
    await eventually(() => expect(keys().ecPrekeys).toHaveLength(119));
    expect(keys().kemPrekeys).toHaveLength(99);
    stage.server.answerRest = (operation, body) => {
      // The answer was counted before these were taken.
      if (operation === 'countPrekeys' && keys().ecPrekeys.length === 119) take(3);
      return body;
    };
    stage.server.push(own, { type: 'prekeys.low', ecRemaining: 119, kemRemaining: 99 });
    await eventually(() => expect(keys().ecPrekeys).toHaveLength(103));
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
