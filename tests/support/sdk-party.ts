import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { v7 } from 'uuid';

import type { AccountId, DeviceAddress, DeviceId } from '../../protocol/ids.js';
import { ownKeysTable, type OwnKeys } from '../../sdk/encryption/key-tables.js';
import { makeOwnKeys, makePrekeys, type PublicPrekeys } from '../../sdk/encryption/prekeys.js';
import { decryptFrom, encryptTo, startSession, type DeviceBundle, type Opened, type SessionCiphertext } from '../../sdk/encryption/sessions.js';
import { ownIdentityOf } from '../../sdk/encryption/signal-stores.js';
import { DeviceStore } from '../../sdk/store/device-store.js';
import type { UnitOfWork } from '../../sdk/store/unit-of-work.js';

interface Opening {
  readonly store: DeviceStore;
  readonly directory: string;
}

/** More than the few at which a device makes new ones; a full set would take each party three times as long. */
export const oneTimePrekeys = 30;

/** A device's keys and store, without any server. */
export class SdkParty {
  readonly address: DeviceAddress;
  readonly store: DeviceStore;
  readonly registrationId: number;
  readonly identityKey: Uint8Array;
  readonly prekeys: PublicPrekeys;
  readonly #directory: string;
  #given = 0;

  private constructor(address: DeviceAddress, { store, directory }: Opening, keys: ReturnType<typeof makeOwnKeys>, prekeys: PublicPrekeys) {
    this.address = address;
    this.store = store;
    this.registrationId = keys.registrationId;
    this.identityKey = keys.identityKey;
    this.prekeys = prekeys;
    this.#directory = directory;
  }

  static async create(accountId = v7() as AccountId): Promise<SdkParty> {
    return SdkParty.#make({ accountId, deviceId: 1 as DeviceId });
  }

  /** A device of the same account under the same identity key: another one, or the same number registered anew. */
  async sibling(deviceId: number): Promise<SdkParty> {
    const { accountId } = this.address;
    return SdkParty.#make({ accountId, deviceId: deviceId as DeviceId }, this.store.get(ownKeysTable, 'own'));
  }

  static async #make(address: DeviceAddress, account?: OwnKeys): Promise<SdkParty> {
    const directory = await mkdtemp(join(tmpdir(), 'heliograph-party-'));
    const store = await DeviceStore.open(directory, { storageKey: Buffer.alloc(32, 1) });
    const unit = store.begin();
    const made = makeOwnKeys(unit);
    const { registrationId } = made;
    if (account !== undefined) unit.put(ownKeysTable, ['own'], { ...account, registrationId });
    const identityKey = account === undefined ? made.identityKey : ownIdentityOf(unit).publicKey.serialize();
    const prekeys = makePrekeys(unit, Date.now(), oneTimePrekeys);
    await unit.commit();
    return new SdkParty(address, { store, directory }, { identityKey, registrationId }, prekeys);
  }

  /** A bundle with the next one-time keys, or without any. */
  bundle(kind: 'one-time' | 'last-resort' = 'one-time'): DeviceBundle {
    const { address: device, registrationId, identityKey } = this;
    const { signedPrekey, kemLastResort, ecPrekeys, kemPrekeys } = this.prekeys;
    if (kind === 'last-resort') return { device, registrationId, identityKey, signedPrekey, kemPrekey: kemLastResort };
    const index = this.#given++;
    return { device, registrationId, identityKey, signedPrekey, ecPrekey: ecPrekeys[index], kemPrekey: kemPrekeys[index] ?? kemLastResort };
  }

  async meet(bundle: DeviceBundle): Promise<{ readonly identityChanged: boolean }> {
    return this.commit((unit) => startSession(unit, this.address, bundle));
  }

  async encrypt(to: SdkParty, text: string): Promise<SessionCiphertext> {
    return this.commit((unit) => encryptTo(unit, this.address, to.address, Buffer.from(text)));
  }

  async decrypt(from: SdkParty, envelope: SessionCiphertext): Promise<string> {
    return Buffer.from((await this.open(from, envelope)).plaintext).toString();
  }

  async open(from: SdkParty, envelope: SessionCiphertext): Promise<Opened> {
    return this.commit((unit) => decryptFrom(unit, this.address, from.address, envelope));
  }

  async commit<T>(work: (unit: UnitOfWork) => Promise<T> | T): Promise<T> {
    const unit = this.store.begin();
    const result = await work(unit);
    await unit.commit();
    return result;
  }

  async dispose(): Promise<void> {
    await this.store.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
