import {
  CiphertextMessageType,
  KEMPublicKey,
  PreKeyBundle,
  PreKeySignalMessage,
  processPreKeyBundle,
  PublicKey,
  SessionRecord,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
  SignalMessage,
} from '@signalapp/libsignal-client';

import { deviceKey, type AccountId, type DeviceAddress } from '../../protocol/ids.js';
import { SdkError } from '../sdk-error.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { identityTable, sessionTable } from './key-tables.js';
import { signalAddress, signalBytes } from './signal-bytes.js';
import { signalFailureOf } from './signal-errors.js';
import { createSignalStores } from './signal-stores.js';

/** What one device of a peer published for whoever writes to it first. */
export interface DeviceBundle {
  readonly device: DeviceAddress;
  readonly registrationId: number;
  readonly identityKey: Uint8Array;
  readonly ecPrekey?: { readonly keyId: number; readonly publicKey: Uint8Array } | undefined;
  readonly signedPrekey: SignedPublicKey;
  readonly kemPrekey: SignedPublicKey;
}

export interface SignedPublicKey {
  readonly keyId: number;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** A ciphertext for one device. */
export interface SessionCiphertext {
  readonly type: number;
  readonly content: Uint8Array;
}

export interface Opened {
  readonly plaintext: Uint8Array;
  /** The sender has no answer of ours yet, and pays 1.7 KB a message until it has. */
  readonly first: boolean;
  /** Names the key exchange that a first message carries: the same for all messages until the answer. */
  readonly exchange?: string | undefined;
  /** The sender's account came with another identity key than before. */
  readonly identityChanged: boolean;
}

/** Registration that the session with a device is for; `undefined` if there is none to send with. */
export function sessionRegistration(unit: Pick<UnitOfWork, 'get'>, device: DeviceAddress): number | undefined {
  const row = unit.get(sessionTable, sessionKey(device));
  if (row === undefined) return undefined;
  const record = SessionRecord.deserialize(signalBytes(row));
  return record.hasCurrentState() ? record.remoteRegistrationId() : undefined;
}

/** The present session is not sent with any more; messages under way still open. */
export function archiveSession(unit: UnitOfWork, device: DeviceAddress): void {
  const row = unit.get(sessionTable, sessionKey(device));
  if (row === undefined) return;
  const record = SessionRecord.deserialize(signalBytes(row));
  record.archiveCurrentState();
  unit.put(sessionTable, [sessionKey(device)], record.serialize());
}

/**
 * A new session from a bundle. `identityChanged`: the account's key is not the one known before.
 * Throws SdkError `identity_changed` (the key is noted in the unit, which should still be committed) or `untrusted_server` (signatures do not fit).
 */
export async function startSession(unit: UnitOfWork, local: DeviceAddress, bundle: DeviceBundle): Promise<{ readonly identityChanged: boolean }> {
  const remote = signalAddress(bundle.device);
  const { sessions, identities } = createSignalStores(unit);
  const identityKey = PublicKey.deserialize(signalBytes(bundle.identityKey));
  await identities.saveIdentity(remote, identityKey);
  const identityChanged = identities.changed.size > 0;
  refuseHeld(unit, bundle.device.accountId);
  try {
    await processPreKeyBundle(signalBundle(bundle, identityKey), remote, signalAddress(local), sessions, identities);
  } catch (cause) {
    if (signalFailureOf(cause) === undefined) throw cause;
    throw new SdkError('untrusted_server', `the keys that the server gave for ${deviceKey(bundle.device)} are not signed by its account`, { cause });
  }
  return { identityChanged };
}

/** Throws SdkError `identity_changed`, or libsignal's own error if there is no session (`sessionRegistration` tells). */
export async function encryptTo(unit: UnitOfWork, local: DeviceAddress, to: DeviceAddress, plaintext: Uint8Array): Promise<SessionCiphertext> {
  refuseHeld(unit, to.accountId);
  const { sessions, identities } = createSignalStores(unit);
  const message = await signalEncrypt(signalBytes(plaintext), signalAddress(to), signalAddress(local), sessions, identities);
  return { type: message.type(), content: message.serialize() };
}

/** Throws libsignal's own error; `signalFailureOf` tells why. */
export async function decryptFrom(unit: UnitOfWork, local: DeviceAddress, from: DeviceAddress, envelope: SessionCiphertext): Promise<Opened> {
  const { sessions, identities, prekeys, signedPrekeys, kemPrekeys } = createSignalStores(unit);
  const [remote, self] = [signalAddress(from), signalAddress(local)];
  const content = signalBytes(envelope.content);
  const identityChanged = () => identities.changed.size > 0;
  if (envelope.type === (CiphertextMessageType.Whisper as number)) {
    const plaintext = await signalDecrypt(SignalMessage.deserialize(content), remote, self, sessions, identities);
    return { plaintext, first: false, identityChanged: identityChanged() };
  }
  if (envelope.type !== (CiphertextMessageType.PreKey as number)) {
    throw new SdkError('undecryptable', `an envelope of unknown type ${envelope.type}`);
  }
  const message = PreKeySignalMessage.deserialize(content);
  const plaintext = await signalDecryptPreKey(message, remote, self, sessions, identities, prekeys, signedPrekeys, kemPrekeys);
  const exchange = [message.registrationId(), message.signedPreKeyId(), message.preKeyId() ?? 'none'].join('.');
  return { plaintext, first: true, exchange, identityChanged: identityChanged() };
}

/** Sending to a verified account whose key changed waits for the user. */
function refuseHeld(unit: UnitOfWork, accountId: AccountId): void {
  if (unit.get(identityTable, accountId)?.held === true) {
    throw new SdkError('identity_changed', `the identity key of ${accountId} changed after it was verified; approve it to go on`);
  }
}

function sessionKey(device: DeviceAddress): string {
  return deviceKey(device);
}

function signalBundle({ device, registrationId, ecPrekey, signedPrekey, kemPrekey }: DeviceBundle, identityKey: PublicKey): PreKeyBundle {
  return PreKeyBundle.new(
    registrationId,
    device.deviceId,
    ecPrekey?.keyId ?? null,
    ecPrekey === undefined ? null : PublicKey.deserialize(signalBytes(ecPrekey.publicKey)),
    signedPrekey.keyId,
    PublicKey.deserialize(signalBytes(signedPrekey.publicKey)),
    signalBytes(signedPrekey.signature),
    identityKey,
    kemPrekey.keyId,
    KEMPublicKey.deserialize(signalBytes(kemPrekey.publicKey)),
    signalBytes(kemPrekey.signature),
  );
}
