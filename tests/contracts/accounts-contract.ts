import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { newRegistration, type DirectoryUnderTest, type Registration } from '../support/directory-fixtures.js';
import { newAccountId } from '../support/ids.js';

/** The promises of `Accounts` in ports/accounts.ts, for any adapter. */
export function accountsContract(name: string, open: () => Promise<DirectoryUnderTest>): void {
  describe(`accounts: ${name}`, () => {
    let under: DirectoryUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    const create = ({ account, device, deviceList }: Registration) => under.accounts.create(account, device, deviceList);
    const changed = (
      registration: Registration,
      account: Partial<Registration['account']>,
      device: Partial<Registration['device']> = {},
    ): Registration => ({
      ...registration,
      account: { ...registration.account, ...account },
      device: { ...registration.device, ...device },
    });

    test('finds an account by id and by handle, whole', async () => {
      const registration = newRegistration();
      expect(await create(registration)).toEqual({ account: registration.account, created: true });
      const found = await under.accounts.byId(registration.account.accountId);
      const { identityKey, ...plain } = registration.account;
      expect(found).toMatchObject({ ...plain, deviceList: { version: 1 } });
      expect(Buffer.from(found?.identityKey ?? [])).toEqual(Buffer.from(identityKey));
      expect(Buffer.from(found?.deviceList.signature ?? [])).toEqual(Buffer.from(registration.deviceList.signature));
      expect(await under.accounts.byHandle(registration.account.handle)).toEqual(found);
    });

    test('answers nothing for an id or a handle that it does not know', async () => {
      expect([await under.accounts.byId(newAccountId()), await under.accounts.byHandle('nobody')]).toEqual([undefined, undefined]);
    });

    test('makes the first device together with the account', async () => {
      const registration = newRegistration();
      await create(registration);
      const address = { accountId: registration.account.accountId, deviceId: registration.device.deviceId };
      expect(Buffer.from((await under.devices.secretHash(address)) ?? [])).toEqual(Buffer.from(registration.device.secretHash));
      expect((await under.prekeys.claim(address.accountId)).devices).toHaveLength(1);
    });

    test('answers the first registration when the same device repeats it', async () => {
      const registration = newRegistration();
      await create(registration);
      const { account, created } = await create(changed(registration, { createdAtMs: registration.account.createdAtMs + 60_000 }));
      expect([account.accountId, account.createdAtMs, created]).toEqual([registration.account.accountId, registration.account.createdAtMs, false]);
      expect((await under.accounts.byId(account.accountId))?.devices).toHaveLength(1);
    });

    test('refuses a handle that somebody else has, and keeps nothing of the attempt', async () => {
      const first = newRegistration();
      await create(first);
      const second = newRegistration();
      await expect(create(changed(second, { handle: first.account.handle }))).rejects.toMatchObject({
        code: 'conflict',
        detail: { field: 'handle' },
      });
      expect(await under.accounts.byId(second.account.accountId)).toBeUndefined();
      expect(await create(second)).toMatchObject({ created: true });
    });

    test.each([
      ['handle', (first: Registration) => changed(first, { handle: 'another' })],
      ['identity key', (first: Registration) => changed(first, { identityKey: randomBytes(33) })],
      ['device secret', (first: Registration) => changed(first, {}, { secretHash: randomBytes(32) })],
    ])('refuses an account id that is taken when the %s is another', async (_, other) => {
      const first = newRegistration();
      await create(first);
      await expect(create(other(first))).rejects.toMatchObject({ code: 'conflict', detail: { field: 'accountId' } });
      expect(await under.accounts.byId(first.account.accountId)).toMatchObject({ handle: first.account.handle });
    });

    test('lets one of many win who want the same handle at once', async () => {
      const handle = newRegistration().account.handle;
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => create(changed(newRegistration(), { handle }))));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : []));
      expect(refusals).toEqual(Array(19).fill('conflict'));
    });

    test('creates once when a registration is repeated before its first answer came', async () => {
      const registration = newRegistration();
      const answers = await Promise.all(Array.from({ length: 10 }, () => create(registration)));
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
    });
  });
}
