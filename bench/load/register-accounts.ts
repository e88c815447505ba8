import { randomBytes } from 'node:crypto';

import { v7 } from 'uuid';

import { bytesReplacer } from '../../protocol/bytes.js';
import type { AccountId, DeviceId } from '../../protocol/ids.js';
import type { NewAccount } from '../../protocol/rest/account.js';
import { issuedToken } from '../../protocol/rest/account.js';
import { conversationView } from '../../protocol/rest/conversation.js';
import { deviceListBytes } from '../../protocol/rest/device.js';
import { problem } from '../../protocol/rest/problem.js';
import { makeOwnKeys, makeRotatingPrekeys } from '../../sdk/encryption/prekeys.js';
import { signalBytes } from '../../sdk/encryption/signal-bytes.js';
import { ownIdentityOf } from '../../sdk/encryption/signal-stores.js';
import { UnitOfWork } from '../../sdk/store/unit-of-work.js';
import { DomainError } from '../../protocol/errors.js';
import type { LoadGroup } from './group-messages.js';
import { inParallel } from './in-parallel.js';
import type { LoadDevice, LoadPair } from './wire.js';

const atOnce = 16;
const deviceId = 1 as DeviceId;

/** Registers accounts with one device each. All share one set of keys: the generator sends random bytes, and nobody opens them. Throws the server's refusal as DomainError. */
export async function registerDevices(server: string, count: number): Promise<readonly LoadDevice[]> {
  const keys = makeAccountKeys();
  return inParallel(Array.from({ length: count }), atOnce, async () => {
    const accountId = v7() as AccountId;
    const secret = randomBytes(32);
    await post(server, '/v1/accounts', keys.accountOf(accountId, secret));
    const { token } = issuedToken.parse(await post(server, '/v1/tokens', { accountId, deviceId, secret }));
    return { accountId, deviceId, registrationId: keys.registrationId, token };
  });
}

/** The same for pairs that talk in their direct conversation. */
export async function registerPairs(server: string, count: number): Promise<readonly LoadPair[]> {
  const devices = await registerDevices(server, 2 * count);
  const pairs = Array.from({ length: count }, (_, index) => devices.slice(2 * index, 2 * index + 2));
  return inParallel(pairs, atOnce, async ([sender, receiver]) => {
    if (sender === undefined || receiver === undefined) throw new RangeError('a pair has two devices');
    const answer = await post(server, '/v1/conversations', { kind: 'direct', peer: receiver.accountId }, sender.token);
    const { conversationId, rosterDigest } = conversationView.parse(answer);
    return { conversationId, rosterDigest, sender, receiver };
  });
}

/** The first of these makes a group of all of them. */
export async function registerGroup(server: string, [sender, ...receivers]: readonly LoadDevice[]): Promise<LoadGroup> {
  if (sender === undefined) throw new RangeError('a group has a sender');
  const members = receivers.map(({ accountId }) => accountId);
  const answer = await post(server, '/v1/conversations', { kind: 'group', conversationId: v7(), members }, sender.token);
  const { conversationId, rosterDigest } = conversationView.parse(answer);
  return { conversationId, rosterDigest, sender, receivers };
}

/** Keys that any number of accounts can share, as long as nobody opens what is sent to them. */
export function makeAccountKeys() {
  const unit = new UnitOfWork({ get: () => undefined, apply: () => Promise.resolve() });
  const { identityKey, registrationId } = makeOwnKeys(unit);
  const rotating = makeRotatingPrekeys(unit, Date.now());
  const { privateKey } = ownIdentityOf(unit);
  const accountOf = (accountId: AccountId, secret: Uint8Array): NewAccount => ({
    accountId,
    handle: `load-${accountId.replaceAll('-', '').slice(5)}`,
    identityKey,
    device: { name: 'load generator', registrationId, secret, keys: { ...rotating, ecPrekeys: [], kemPrekeys: [] } },
    deviceList: { version: 1, signature: privateKey.sign(signalBytes(deviceListBytes(accountId, 1, [{ deviceId, registrationId }]))) },
  });
  return { registrationId, accountOf };
}

/** Throws DomainError. */
export async function post(server: string, path: string, body: object, token?: string): Promise<unknown> {
  const response = await fetch(new URL(path, server), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body, bytesReplacer),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  const { code, detail, retryAfterMs } = problem.parse(answer);
  throw new DomainError(code, detail, retryAfterMs === undefined ? {} : { retryAfterMs });
}
