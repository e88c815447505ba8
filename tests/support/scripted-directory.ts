import { rosterDigest } from '../../core/roster.js';
import { DomainError } from '../../protocol/errors.js';
import { directConversationId, type AccountId, type ConversationId, type DeviceAddress, type DeviceId } from '../../protocol/ids.js';
import type { RestInput, RestOperation, RestOutput } from '../../protocol/rest/contract.js';
import { prekeyDigest } from '../../protocol/rest/prekey.js';
import { signDeviceList } from '../../sdk/encryption/device-list.js';
import type { SdkParty } from './sdk-party.js';

type Registration = RestInput<'registerAccount'>['body'];
type Keys = Registration['device']['keys'];

interface DirectoryDevice {
  readonly registrationId: number;
  readonly secret?: Uint8Array | undefined;
  keys: Keys;
}

interface DirectoryAccount {
  readonly accountId: AccountId;
  readonly handle: string;
  readonly identityKey: Uint8Array;
  deviceList: Registration['deviceList'];
  readonly devices: Map<DeviceId, DirectoryDevice>;
}

export type Handlers = { [Operation in RestOperation]?: (input: RestInput<Operation>, caller: DeviceAddress) => RestOutput<Operation>['body'] };

/** Accounts, keys and direct conversations in memory. A token is the device's address. */
export class ScriptedDirectory {
  readonly #accounts = new Map<AccountId, DirectoryAccount>();
  readonly #conversations = new Map<ConversationId, readonly [AccountId, AccountId]>();
  #listVersion = 1;

  /** Parties that share an account id and an identity: the devices of one account, instead of those it had. */
  enrol(handle: string, ...parties: readonly [SdkParty, ...SdkParty[]]): void {
    const [first] = parties;
    const { accountId } = first.address;
    const listed = parties.map(({ address, registrationId }) => ({ deviceId: address.deviceId, registrationId }));
    this.#listVersion += 1;
    this.#accounts.set(accountId, {
      ...{ accountId, handle, identityKey: first.identityKey },
      deviceList: signDeviceList(first.store, accountId, this.#listVersion, listed),
      devices: new Map(
        parties.map(({ address, registrationId, prekeys }) => {
          const keys = { ...prekeys, ecPrekeys: [...prekeys.ecPrekeys], kemPrekeys: [...prekeys.kemPrekeys] };
          return [address.deviceId, { registrationId, keys }];
        }),
      ),
    });
  }

  /** As if it had been linked. */
  addDevice(accountId: AccountId, device: RestInput<'finishLink'>['body']['device'], deviceList: Registration['deviceList']): void {
    const account = this.#account(accountId);
    account.devices.set(device.deviceId, device);
    account.deviceList = deviceList;
  }

  view(accountId: AccountId): RestOutput<'getAccount'>['body'] {
    return this.#view(this.#account(accountId));
  }

  keysOf({ accountId, deviceId }: DeviceAddress): Keys {
    return this.#device(accountId, deviceId).keys;
  }

  membersOf(conversationId: ConversationId): readonly AccountId[] {
    return this.#conversations.get(conversationId) ?? [];
  }

  roster(conversationId: ConversationId): RestOutput<'getConversation'>['body'] {
    const members = this.membersOf(conversationId).map((accountId) => ({
      accountId,
      role: 'member' as const,
      devices: listedOf(this.#account(accountId).devices),
    }));
    return { conversationId, kind: 'direct', createdAtMs: 0, version: 1, rosterDigest: rosterDigest(members), members };
  }

  /** Opens it as if a member had. */
  openConversation(one: AccountId, other: AccountId): ConversationId {
    const conversationId = directConversationId(one, other);
    this.#conversations.set(conversationId, [one, other]);
    return conversationId;
  }

  readonly handlers: Handlers = {
    registerAccount: ({ body }) => this.#register(body),
    issueToken: ({ body: { accountId, deviceId, secret } }) => {
      const known = this.#device(accountId, deviceId).secret;
      if (known === undefined || Buffer.compare(known, secret) !== 0) throw new DomainError('unauthenticated', 'another secret');
      return { token: `${accountId}.${deviceId}`, expiresAtMs: Date.now() + 3_600_000 };
    },
    findAccount: ({ query: { handle } }) => {
      const found = [...this.#accounts.values()].find((account) => account.handle === handle);
      if (found === undefined) throw new DomainError('not_found', 'nobody has this handle');
      return this.#view(found);
    },
    getAccount: ({ params: { accountId } }) => this.view(accountId),
    openConversation: ({ body }, caller) => {
      if (body.kind !== 'direct') throw new DomainError('invalid_request', 'a script has no groups');
      return this.roster(this.openConversation(caller.accountId, body.peer));
    },
    getConversation: ({ params: { conversationId } }, { accountId }) => {
      if (!this.membersOf(conversationId).includes(accountId)) throw new DomainError('not_a_member', 'of this conversation');
      return this.roster(conversationId);
    },
    listConversations: (_, { accountId }) => {
      const own = [...this.#conversations].filter(([, members]) => members.includes(accountId));
      return { items: own.map(([conversationId, members]) => ({ conversationId, kind: 'direct', createdAtMs: 0, members: [...members] })) };
    },
    claimPrekeys: ({ params: { accountId }, query: { device } }) => this.#claim(accountId, device),
    countPrekeys: (_, caller) => this.#count(caller),
    uploadPrekeys: ({ body }, caller) => {
      const device = this.#device(caller.accountId, caller.deviceId);
      const { signedPrekey, kemLastResort, ecPrekeys, kemPrekeys } = device.keys;
      device.keys = {
        signedPrekey: body.signedPrekey ?? signedPrekey,
        kemLastResort: body.kemLastResort ?? kemLastResort,
        ecPrekeys: [...ecPrekeys, ...(body.ecPrekeys ?? [])],
        kemPrekeys: [...kemPrekeys, ...(body.kemPrekeys ?? [])],
      };
      return this.#count(caller);
    },
    checkPrekeys: ({ body: { digest } }, caller) => {
      const { identityKey } = this.#account(caller.accountId);
      if (Buffer.compare(digest, prekeyDigest({ identityKey, ...this.keysOf(caller) })) !== 0) throw new DomainError('conflict', 'other keys');
      return undefined;
    },
  };

  #register({ accountId, handle, identityKey, device, deviceList }: Registration): RestOutput<'registerAccount'>['body'] {
    const holder = [...this.#accounts.values()].find((account) => account.handle === handle);
    if (holder !== undefined && holder.accountId !== accountId) throw new DomainError('conflict', 'the handle is taken');
    const deviceId = 1 as DeviceId;
    const { registrationId, secret, keys } = device;
    this.#accounts.set(accountId, { accountId, handle, identityKey, deviceList, devices: new Map([[deviceId, { registrationId, secret, keys }]]) });
    return { accountId, deviceId, handle, createdAtMs: 0 };
  }

  #claim(accountId: AccountId, only: DeviceId | undefined): RestOutput<'claimPrekeys'>['body'] {
    const { identityKey, deviceList, devices } = this.#account(accountId);
    const all = [...devices];
    const asked = all.filter(([deviceId]) => only === undefined || deviceId === only);
    if (asked.length === 0) throw new DomainError('not_found', 'there is no such device');
    return {
      ...{ accountId, identityKey, deviceList },
      listed: listedOf(devices),
      devices: asked.map(([deviceId, { registrationId, keys }]) => {
        const ecPrekey = keys.ecPrekeys.shift();
        const { signedPrekey, kemLastResort } = keys;
        const kemPrekey = keys.kemPrekeys.shift() ?? kemLastResort;
        return { deviceId, registrationId, signedPrekey, kemPrekey, ...(ecPrekey === undefined ? {} : { ecPrekey }) };
      }),
    };
  }

  #count({ accountId, deviceId }: DeviceAddress): RestOutput<'countPrekeys'>['body'] {
    const { ecPrekeys, kemPrekeys } = this.#device(accountId, deviceId).keys;
    return { ec: ecPrekeys.length, kem: kemPrekeys.length };
  }

  #view({ accountId, handle, identityKey, deviceList, devices }: DirectoryAccount): RestOutput<'getAccount'>['body'] {
    return { accountId, handle, identityKey, deviceList, devices: listedOf(devices) };
  }

  #account(accountId: AccountId): DirectoryAccount {
    const account = this.#accounts.get(accountId);
    if (account === undefined) throw new DomainError('not_found', 'there is no such account');
    return account;
  }

  #device(accountId: AccountId, deviceId: DeviceId): DirectoryDevice {
    const device = this.#account(accountId).devices.get(deviceId);
    if (device === undefined) throw new DomainError('not_found', 'there is no such device');
    return device;
  }
}

function listedOf(devices: DirectoryAccount['devices']) {
  return [...devices].map(([deviceId, { registrationId }]) => ({ deviceId, registrationId }));
}
