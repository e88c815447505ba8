import { DomainError } from '../../protocol/errors.js';
import type { AccountId, DeviceAddress } from '../../protocol/ids.js';
import { identityTable } from '../encryption/key-tables.js';
import { ownIdentityOf } from '../encryption/signal-stores.js';
import type { RestClient } from '../rest/rest-client.js';
import type { DeviceStore } from '../store/device-store.js';
import { signerTable } from './channel-tables.js';

export interface SignersDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
}

export type Signers = ReadonlyMap<AccountId, Uint8Array>;

/** The identity keys of those who posted: of a session, as first seen, or else as the server has them. Who is gone has none. Throws SdkError `offline`. */
export async function signersOf(dependencies: SignersDependencies, authors: readonly AccountId[]): Promise<Signers> {
  const signers = new Map<AccountId, Uint8Array>();
  for (const accountId of new Set(authors)) {
    const key = knownKeyOf(dependencies, accountId) ?? (await askKeyOf(dependencies, accountId));
    if (key !== undefined) signers.set(accountId, key);
  }
  return signers;
}

function knownKeyOf({ store, own }: SignersDependencies, accountId: AccountId): Uint8Array | undefined {
  if (accountId === own.accountId) return ownIdentityOf(store).publicKey.serialize();
  return store.get(identityTable, accountId)?.key ?? store.get(signerTable, accountId);
}

async function askKeyOf({ rest }: SignersDependencies, accountId: AccountId): Promise<Uint8Array | undefined> {
  try {
    return (await rest.call('getAccount', { params: { accountId } })).identityKey;
  } catch (error) {
    if (error instanceof DomainError && error.code === 'not_found') return undefined;
    throw error;
  }
}
