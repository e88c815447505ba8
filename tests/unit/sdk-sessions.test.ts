import { afterEach, describe, expect, test } from '@jest/globals';

import type { AccountId } from '../../protocol/ids.js';
import { approveIdentity, markVerified, safetyNumberOf } from '../../sdk/encryption/identities.js';
import { ecPrekeyTable, kemPrekeyTable, signedPrekeyTable } from '../../sdk/encryption/key-tables.js';
import { dropOldPrekeys, makeRotatingPrekeys, rotationIsDue } from '../../sdk/encryption/prekeys.js';
import { archiveSession, decryptFrom, encryptTo, sessionRegistration, startSession } from '../../sdk/encryption/sessions.js';
import { signalFailureOf, type SignalFailure } from '../../sdk/encryption/signal-errors.js';
import { oneTimePrekeys, SdkParty } from '../support/sdk-party.js';

const parties: SdkParty[] = [];
async function party(accountId?: AccountId): Promise<SdkParty> {
  const made = await SdkParty.create(accountId);
  parties.push(made);
  return made;
}
afterEach(async () => {
  for (const made of parties.splice(0)) await made.dispose();
});

async function pair(kind: 'one-time' | 'last-resort' = 'one-time'): Promise<[SdkParty, SdkParty]> {
  const [alice, bob] = [await party(), await party()];
  await alice.meet(bob.bundle(kind));
  return [alice, bob];
}

async function failureOf(work: Promise<unknown>): Promise<SignalFailure | undefined> {
  try {
    await work;
  } catch (error) {
    const failure = signalFailureOf(error);
    if (failure === undefined) throw error;
    return failure;
  }
  return undefined;
}

describe('sessions', () => {
  test('carry messages both ways; the first ones are pre-key messages until the answer', async () => {
    const [alice, bob] = await pair();
    expect((await bob.open(alice, await alice.encrypt(bob, '1'))).first).toBe(true);
    expect((await bob.open(alice, await alice.encrypt(bob, '2'))).first).toBe(true);
    const answer = await bob.encrypt(alice, 'answer');
    expect(await alice.decrypt(bob, answer)).toBe('answer');
    const third = await alice.encrypt(bob, '3');
    expect((await bob.open(alice, third)).first).toBe(false);
    expect(third.content.byteLength).toBeLessThan(200);
  });

  test('use up the one-time prekeys', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, '1'));
    expect(bob.store.range(ecPrekeyTable, []).length).toBe(oneTimePrekeys - 1);
    expect(bob.store.range(kemPrekeyTable, []).length).toBe(oneTimePrekeys);
  });

  test('open messages out of order, each once', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    const envelopes = [await alice.encrypt(bob, '0'), await alice.encrypt(bob, '1'), await alice.encrypt(bob, '2')] as const;
    expect(await bob.decrypt(alice, envelopes[2])).toBe('2');
    expect(await bob.decrypt(alice, envelopes[0])).toBe('0');
    expect(await bob.decrypt(alice, envelopes[1])).toBe('1');
    expect(await failureOf(bob.open(alice, envelopes[1]))).toBe('duplicate');
  });

  test('a receive whose unit was not committed can be done again', async () => {
    const [alice, bob] = await pair();
    const envelope = await alice.encrypt(bob, 'once');
    const lost = bob.store.begin();
    await decryptFrom(lost, bob.address, alice.address, envelope);
    expect(await bob.decrypt(alice, envelope)).toBe('once');
    expect(await bob.decrypt(alice, await alice.encrypt(bob, 'next'))).toBe('next');
  });

  test('a failed decryption leaves the session as it was', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    await alice.decrypt(bob, await bob.encrypt(alice, 'answer'));
    const good = await alice.encrypt(bob, 'good');
    const broken = { ...good, content: Uint8Array.from(good.content, (byte, index) => (index === good.content.byteLength - 1 ? byte ^ 1 : byte)) };
    expect(await failureOf(bob.open(alice, broken))).toBe('invalid_message');
    expect(await bob.decrypt(alice, good)).toBe('good');
  });

  test('a last-resort prekey lets each first message in once, even when the session is gone', async () => {
    const [alice, bob] = await pair('last-resort');
    const first = await alice.encrypt(bob, 'first');
    expect(await bob.decrypt(alice, first)).toBe('first');
    expect(await failureOf(bob.open(alice, first))).toBe('duplicate');
    await bob.commit((unit) => unit.remove({ name: 'session' }, `${alice.address.accountId}.1`));
    expect(await failureOf(bob.open(alice, first))).toBe('replayed');
  });

  test('a first message for a one-time prekey that is gone names it', async () => {
    const [alice, bob] = await pair();
    const first = await alice.encrypt(bob, 'first');
    await bob.commit((unit) => unit.remove(ecPrekeyTable, bob.prekeys.ecPrekeys[0]?.keyId ?? 0));
    expect(await failureOf(bob.open(alice, first))).toBe('unknown_prekey');
  });

  test('an archived session is not sent with, and still opens what was under way', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    await alice.decrypt(bob, await bob.encrypt(alice, 'answer'));
    const underWay = await bob.encrypt(alice, 'under way');
    expect(sessionRegistration(alice.store, bob.address)).toBe(bob.registrationId);
    await alice.commit((unit) => archiveSession(unit, bob.address));
    expect(sessionRegistration(alice.store, bob.address)).toBeUndefined();
    expect(await failureOf(alice.encrypt(bob, 'x'))).toBe('no_session');
    expect(await alice.decrypt(bob, underWay)).toBe('under way');
  });

  test('a new session from a bundle heals one that the peer lost', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    await alice.decrypt(bob, await bob.encrypt(alice, 'answer'));
    await bob.commit((unit) => unit.remove({ name: 'session' }, `${alice.address.accountId}.1`));
    expect(await failureOf(bob.open(alice, await alice.encrypt(bob, 'lost')))).toBe('no_session');
    await bob.meet(alice.bundle());
    expect(await alice.decrypt(bob, await bob.encrypt(alice, 'healed'))).toBe('healed');
    expect(await bob.decrypt(alice, await alice.encrypt(bob, 'again'))).toBe('again');
  });

  test('refuse bundles whose keys are not signed by the account', async () => {
    const [alice, bob, mallory] = [await party(), await party(), await party()];
    const bundle = bob.bundle();
    await expect(alice.meet({ ...bundle, signedPrekey: mallory.bundle().signedPrekey })).rejects.toMatchObject({ code: 'untrusted_server' });
    await expect(alice.meet({ ...bundle, kemPrekey: mallory.bundle().kemPrekey })).rejects.toMatchObject({ code: 'untrusted_server' });
    expect((await alice.meet(bundle)).identityChanged).toBe(false);
  });
});

describe('identities', () => {
  test('a changed key is let in and reported', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    const bobAgain = await party(bob.address.accountId);
    await bobAgain.meet(alice.bundle());
    expect((await alice.open(bobAgain, await bobAgain.encrypt(alice, 'new phone'))).identityChanged).toBe(true);
    expect(await bobAgain.decrypt(alice, await alice.encrypt(bobAgain, 'hello'))).toBe('hello');
  });

  test('after a change of a verified key, sending waits for approval', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    await alice.commit((unit) => markVerified(unit, bob.address.accountId));
    const bobAgain = await party(bob.address.accountId);
    await bobAgain.meet(alice.bundle());
    expect(await alice.decrypt(bobAgain, await bobAgain.encrypt(alice, 'new phone'))).toBe('new phone');
    const unit = alice.store.begin();
    await expect(encryptTo(unit, alice.address, bob.address, Buffer.from('x'))).rejects.toMatchObject({ code: 'identity_changed' });
    await expect(startSession(unit, alice.address, bobAgain.bundle())).rejects.toMatchObject({ code: 'identity_changed' });
    await alice.commit((approved) => approveIdentity(approved, bob.address.accountId));
    expect(await bobAgain.decrypt(alice, await alice.encrypt(bobAgain, 'approved'))).toBe('approved');
  });

  test('a session under an older key of the account is not sent with', async () => {
    const [alice, bob] = await pair();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    const other = await party(bob.address.accountId);
    await alice.meet({ ...other.bundle(), device: { ...other.address, deviceId: 2 as never } });
    expect(await failureOf(alice.encrypt(bob, 'x'))).toBe('untrusted_identity');
  });

  test('both sides see the same safety number, another pair another one', async () => {
    const [alice, bob] = await pair();
    expect(safetyNumberOf(bob.store, bob.address.accountId, alice.address.accountId)).toBeUndefined();
    await bob.decrypt(alice, await alice.encrypt(bob, 'first'));
    const ofAlice = safetyNumberOf(alice.store, alice.address.accountId, bob.address.accountId);
    const ofBob = safetyNumberOf(bob.store, bob.address.accountId, alice.address.accountId);
    expect(ofAlice?.digits).toMatch(/^\d{60}$/);
    expect(ofBob?.digits).toBe(ofAlice?.digits);
    const carol = await party();
    await alice.meet(carol.bundle());
    expect(safetyNumberOf(alice.store, alice.address.accountId, carol.address.accountId)?.digits).not.toBe(ofAlice?.digits);
  });
});

describe('rotating prekeys', () => {
  const dayMs = 24 * 3600 * 1000;

  test('are due after a week; a replaced one stays 30 days for messages under way', async () => {
    const bob = await party();
    const nowMs = Date.now();
    expect(rotationIsDue(bob.store, nowMs)).toBe(false);
    expect(rotationIsDue(bob.store, nowMs + 8 * dayMs)).toBe(true);
    await bob.commit((unit) => makeRotatingPrekeys(unit, nowMs + 8 * dayMs));
    await bob.commit((unit) => {
      dropOldPrekeys(bob.store, unit, nowMs + 37 * dayMs);
    });
    expect(bob.store.range(signedPrekeyTable, []).length).toBe(2);
    await bob.commit((unit) => {
      dropOldPrekeys(bob.store, unit, nowMs + 39 * dayMs);
    });
    expect(bob.store.range(signedPrekeyTable, []).length).toBe(1);
    expect(bob.store.range(kemPrekeyTable, []).filter(({ row }) => row.lastResort).length).toBe(1);
    expect(bob.store.range(kemPrekeyTable, []).length).toBe(oneTimePrekeys + 1);
  });
});
