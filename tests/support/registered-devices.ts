import { randomBytes } from 'node:crypto';

import { IdentityKeyPair } from '@signalapp/libsignal-client';
import { v7 } from 'uuid';

import type { LoadDevice, LoadPair } from '../../bench/load/wire.js';
import { createPostgresDirectory, type PostgresDirectory } from '../../adapters/postgres/postgres-directory.js';
import type { PostgresPool } from '../../adapters/postgres/postgres-pool.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTokens, type Tokens } from '../../gateway/tokens.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import { deviceListBytes, type DeviceList } from '../../protocol/rest/device.js';
import { signalBytes } from '../../sdk/encryption/signal-bytes.js';
import { deviceKeys } from './directory-fixtures.js';
import { openPool, sql } from './postgres.js';
import type { RunningServer } from './server.js';

const registrationId = 7;
const tokenLifetimeMs = 3_600_000;

/** An account whose keys the test holds. */
export interface SignedAccount {
  readonly accountId: AccountId;
  /** In the order of their numbers, from 1. */
  readonly devices: readonly LoadDevice[];
  /** The account's own word on which devices it has. */
  signList(version: number, devices: readonly LoadDevice[]): DeviceList;
}

/** Accounts put into a server's directory past its REST edge: with several devices each, or thousands in a second. */
export class RegisteredDevices {
  readonly #url: string;
  readonly #pool: PostgresPool;
  readonly directory: PostgresDirectory;
  readonly #tokens: Tokens;

  constructor({ tokenKeys, directoryUrl }: RunningServer) {
    this.#url = directoryUrl;
    this.#pool = openPool(directoryUrl);
    this.directory = createPostgresDirectory(this.#pool);
    this.#tokens = createTokens({ keys: tokenKeys, clock: createSystemClock(), lifetimeMs: tokenLifetimeMs });
  }

  async account(deviceCount: number): Promise<SignedAccount> {
    const identity = IdentityKeyPair.generate();
    const accountId = v7() as AccountId;
    const signList: SignedAccount['signList'] = (version, of) => {
      const listed = of.map(({ deviceId }) => ({ deviceId: deviceId as DeviceId, registrationId }));
      return { version, signature: identity.privateKey.sign(signalBytes(deviceListBytes(accountId, version, listed))) };
    };
    const devices: LoadDevice[] = [];
    for (let deviceId = 1; deviceId <= deviceCount; deviceId += 1) devices.push(await this.#credentials(accountId, deviceId));
    const account = { accountId, handle: handleOf(accountId), identityKey: identity.publicKey.serialize(), createdAtMs: Date.now() };
    const stored = { registrationId, name: 'raw', secretHash: randomBytes(32), keys: deviceKeys() };
    await this.directory.accounts.create(account, { ...stored, deviceId: 1 as DeviceId }, signList(1, devices));
    for (const { deviceId } of devices.slice(1)) await this.#insert({ accountId, deviceId, createdAtMs: 0 });
    return { accountId, devices, signList };
  }

  /** A further device of an account, linked now: its conversations have another version, and no process is told. */
  async link(accountId: AccountId, deviceId: number): Promise<LoadDevice> {
    await this.#insert({ accountId, deviceId, createdAtMs: Date.now() });
    await this.#pool.rows('raise-conversation-versions', accountId);
    return this.#credentials(accountId, deviceId);
  }

  /** The direct conversation of two accounts; the first device of one sends to the first of the other. */
  async conversation(one: SignedAccount, other: SignedAccount): Promise<LoadPair> {
    const { conversations } = this.directory;
    const { conversationId } = (await conversations.ensureDirect(one.accountId, other.accountId, Date.now())).conversation;
    const roster = await conversations.roster(conversationId);
    const [sender, receiver] = [one.devices[0], other.devices[0]];
    if (roster === undefined || sender === undefined || receiver === undefined) throw new RangeError('two accounts with devices talk');
    return { conversationId, rosterDigest: roster.digest, sender, receiver };
  }

  /** Accounts with one device each. */
  async many(count: number): Promise<readonly LoadDevice[]> {
    const ids = Array.from({ length: count }, () => v7() as AccountId);
    const rows = `unnest(ARRAY[${ids.map((id) => `'${id}'`).join(',')}]::uuid[]) AS id`;
    const key = `'\\x05'::bytea`;
    await sql(this.#url, `INSERT INTO account SELECT id, 'many-' || id, ${key}, 1, ${key}, 0 FROM ${rows}`);
    const prekey = `1, ${key}, ${key}`;
    await sql(this.#url, `INSERT INTO device SELECT id, 1, ${registrationId}, 'raw', ${key}, ${prekey}, ${prekey}, 0 FROM ${rows}`);
    return Promise.all(ids.map((id) => this.#credentials(id, 1)));
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #insert({ accountId, deviceId, createdAtMs }: { readonly accountId: AccountId; readonly deviceId: number; readonly createdAtMs: number }) {
    const { signedPrekey, kemLastResort } = deviceKeys();
    const rotating = [signedPrekey, kemLastResort].flatMap(({ keyId, publicKey, signature }) => [keyId, publicKey, signature]);
    await this.#pool.change('insert-device', accountId, deviceId, registrationId, 'raw', randomBytes(32), ...rotating, createdAtMs);
  }

  async #credentials(accountId: AccountId, deviceId: number): Promise<LoadDevice> {
    const { token } = await this.#tokens.issue({ accountId, deviceId: deviceId as DeviceId });
    return { accountId, deviceId, registrationId, token };
  }
}

function handleOf(accountId: AccountId): string {
  return `raw-${accountId.replaceAll('-', '').slice(5)}`;
}
