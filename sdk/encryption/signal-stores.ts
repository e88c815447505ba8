import {
  Direction,
  IdentityChange,
  IdentityKeyPair,
  IdentityKeyStore,
  KyberPreKeyRecord,
  KyberPreKeyStore,
  PreKeyRecord,
  PreKeyStore,
  PublicKey,
  SenderKeyRecord,
  SenderKeyStore,
  SessionRecord,
  SessionStore,
  SignedPreKeyRecord,
  SignedPreKeyStore,
  type PrivateKey,
  type ProtocolAddress,
  type Uuid,
} from '@signalapp/libsignal-client';

import { SdkError } from '../sdk-error.js';
import type { Table } from '../store/table.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import {
  ecPrekeyTable,
  identityChangesTable,
  identityTable,
  kemPrekeyTable,
  ownKeysTable,
  senderKeyTable,
  sessionTable,
  signedPrekeyTable,
  usedBaseKeyTable,
  type OwnKeys,
} from './key-tables.js';
import { signalBytes } from './signal-bytes.js';
import { PrekeyReplayedError, PrekeyUnknownError } from './signal-errors.js';

/** libsignal's view of one unit of work: nothing that it writes lasts before the unit commits. */
export interface SignalStores {
  readonly sessions: SessionStore;
  readonly identities: UnitIdentities;
  readonly prekeys: PreKeyStore;
  readonly signedPrekeys: SignedPreKeyStore;
  readonly kemPrekeys: KyberPreKeyStore;
  readonly senderKeys: SenderKeyStore;
}

export function createSignalStores(unit: UnitOfWork): SignalStores {
  return {
    sessions: new UnitSessions(unit),
    identities: new UnitIdentities(unit),
    prekeys: new UnitPrekeys(unit),
    signedPrekeys: new UnitSignedPrekeys(unit),
    kemPrekeys: new UnitKemPrekeys(unit),
    senderKeys: new UnitSenderKeys(unit),
  };
}

/** Throws SdkError `not_registered`. */
function ownKeysOf(unit: Pick<UnitOfWork, 'get'>): OwnKeys {
  const own = unit.get(ownKeysTable, 'own');
  if (own === undefined) throw new SdkError('not_registered', 'this device directory holds no keys');
  return own;
}

export function ownIdentityOf(unit: Pick<UnitOfWork, 'get'>): IdentityKeyPair {
  return IdentityKeyPair.deserialize(signalBytes(ownKeysOf(unit).identityKeyPair));
}

class UnitSessions extends SessionStore {
  readonly #unit: UnitOfWork;
  constructor(unit: UnitOfWork) {
    super();
    this.#unit = unit;
  }

  override saveSession(address: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.#unit.put(sessionTable, [address.toString()], record.serialize());
    return Promise.resolve();
  }

  override getSession(address: ProtocolAddress): Promise<SessionRecord | null> {
    const row = this.#unit.get(sessionTable, address.toString());
    return Promise.resolve(row === undefined ? null : SessionRecord.deserialize(signalBytes(row)));
  }

  override async getExistingSessions(addresses: ProtocolAddress[]): Promise<SessionRecord[]> {
    const records = await Promise.all(addresses.map((address) => this.getSession(address)));
    return records.filter((record) => record !== null);
  }
}

class UnitSenderKeys extends SenderKeyStore {
  readonly #unit: UnitOfWork;
  constructor(unit: UnitOfWork) {
    super();
    this.#unit = unit;
  }

  override saveSenderKey(sender: ProtocolAddress, distributionId: Uuid, record: SenderKeyRecord): Promise<void> {
    this.#unit.put(senderKeyTable, [sender.toString(), distributionId], record.serialize());
    return Promise.resolve();
  }

  override getSenderKey(sender: ProtocolAddress, distributionId: Uuid): Promise<SenderKeyRecord | null> {
    const row = this.#unit.get(senderKeyTable, sender.toString(), distributionId);
    return Promise.resolve(row === undefined ? null : SenderKeyRecord.deserialize(signalBytes(row)));
  }
}

/** Receiving is always let in; a changed key is noted in `changed`, and holds sending if the old one had been verified. */
class UnitIdentities extends IdentityKeyStore {
  /** Accounts whose key is another one since this unit. */
  readonly changed = new Set<string>();
  readonly #unit: UnitOfWork;
  constructor(unit: UnitOfWork) {
    super();
    this.#unit = unit;
  }

  override getIdentityKey(): Promise<PrivateKey> {
    return Promise.resolve(ownIdentityOf(this.#unit).privateKey);
  }

  override getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return Promise.resolve(ownIdentityOf(this.#unit));
  }

  override getLocalRegistrationId(): Promise<number> {
    return Promise.resolve(ownKeysOf(this.#unit).registrationId);
  }

  override saveIdentity(address: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    const known = this.#unit.get(identityTable, address.name());
    const serialized = key.serialize();
    if (known !== undefined && Buffer.compare(known.key, serialized) === 0) return Promise.resolve(IdentityChange.NewOrUnchanged);
    this.#unit.put(identityTable, [address.name()], { key: serialized, verified: false, held: known?.verified === true || known?.held === true });
    if (known === undefined) return Promise.resolve(IdentityChange.NewOrUnchanged);
    this.#unit.put(identityChangesTable, ['all'], (this.#unit.get(identityChangesTable, 'all') ?? 0) + 1);
    this.changed.add(address.name());
    return Promise.resolve(IdentityChange.ReplacedExisting);
  }

  override isTrustedIdentity(address: ProtocolAddress, key: PublicKey, direction: Direction): Promise<boolean> {
    if (direction === Direction.Receiving) return Promise.resolve(true);
    const known = this.#unit.get(identityTable, address.name());
    // A session under an older key is not sent to: the account's devices are asked for new bundles. A new key is let in by `saveIdentity`, which may hold it.
    return Promise.resolve(known === undefined || (!known.held && Buffer.compare(known.key, key.serialize()) === 0));
  }

  override getIdentity(address: ProtocolAddress): Promise<PublicKey | null> {
    const known = this.#unit.get(identityTable, address.name());
    return Promise.resolve(known === undefined ? null : PublicKey.deserialize(signalBytes(known.key)));
  }
}

class UnitPrekeys extends PreKeyStore {
  readonly #unit: UnitOfWork;
  constructor(unit: UnitOfWork) {
    super();
    this.#unit = unit;
  }

  override savePreKey(id: number, record: PreKeyRecord): Promise<void> {
    this.#unit.put(ecPrekeyTable, [id], record.serialize());
    return Promise.resolve();
  }

  override getPreKey(id: number): Promise<PreKeyRecord> {
    return found(this.#unit, ecPrekeyTable, id, (row) => PreKeyRecord.deserialize(signalBytes(row)));
  }

  override removePreKey(id: number): Promise<void> {
    this.#unit.remove(ecPrekeyTable, id);
    return Promise.resolve();
  }
}

class UnitSignedPrekeys extends SignedPreKeyStore {
  readonly #unit: UnitOfWork;
  constructor(unit: UnitOfWork) {
    super();
    this.#unit = unit;
  }

  override saveSignedPreKey(id: number, record: SignedPreKeyRecord): Promise<void> {
    this.#unit.put(signedPrekeyTable, [id], { record: record.serialize(), createdAtMs: record.timestamp() });
    return Promise.resolve();
  }

  override getSignedPreKey(id: number): Promise<SignedPreKeyRecord> {
    return found(this.#unit, signedPrekeyTable, id, ({ record }) => SignedPreKeyRecord.deserialize(signalBytes(record)));
  }
}

class UnitKemPrekeys extends KyberPreKeyStore {
  readonly #unit: UnitOfWork;
  constructor(unit: UnitOfWork) {
    super();
    this.#unit = unit;
  }

  override saveKyberPreKey(id: number, record: KyberPreKeyRecord): Promise<void> {
    this.#unit.put(kemPrekeyTable, [id], { record: record.serialize(), createdAtMs: record.timestamp(), lastResort: false });
    return Promise.resolve();
  }

  override getKyberPreKey(id: number): Promise<KyberPreKeyRecord> {
    return found(this.#unit, kemPrekeyTable, id, ({ record }) => KyberPreKeyRecord.deserialize(signalBytes(record)));
  }

  override markKyberPreKeyUsed(id: number, signedPreKeyId: number, baseKey: PublicKey): Promise<void> {
    if (this.#unit.get(kemPrekeyTable, id)?.lastResort !== true) {
      this.#unit.remove(kemPrekeyTable, id);
      return Promise.resolve();
    }
    const base = Buffer.from(baseKey.serialize()).toString('hex');
    if (this.#unit.get(usedBaseKeyTable, id, signedPreKeyId, base) === true) {
      return Promise.reject(new PrekeyReplayedError('this first message used the last-resort prekey before'));
    }
    this.#unit.put(usedBaseKeyTable, [id, signedPreKeyId, base], true);
    return Promise.resolve();
  }
}

function found<Row, Found>(unit: UnitOfWork, table: Table<Row>, id: number, read: (row: Row) => Found): Promise<Found> {
  const row = unit.get(table, id);
  return row === undefined ? Promise.reject(new PrekeyUnknownError(`${table.name} ${id} is not here`)) : Promise.resolve(read(row));
}
