import {
  CiphertextMessageType,
  groupDecrypt,
  groupEncrypt,
  processSenderKeyDistributionMessage,
  SenderKeyDistributionMessage,
} from '@signalapp/libsignal-client';

import type { DeviceAddress } from '../../protocol/ids.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { SessionCiphertext } from './sessions.js';
import { signalAddress, signalBytes } from './signal-bytes.js';
import { createSignalStores } from './signal-stores.js';

/** What a device gives to the devices of a group so that they can open what it seals from now on. Makes the key if there is none under this id (a UUID). */
export async function distributionOf(unit: UnitOfWork, own: DeviceAddress, distributionId: string): Promise<Uint8Array> {
  const { senderKeys } = createSignalStores(unit);
  return (await SenderKeyDistributionMessage.create(signalAddress(own), distributionId, senderKeys)).serialize();
}

/** Throws libsignal's own error. */
export async function acceptDistribution(unit: UnitOfWork, from: DeviceAddress, distribution: Uint8Array): Promise<void> {
  const message = SenderKeyDistributionMessage.deserialize(signalBytes(distribution));
  await processSenderKeyDistributionMessage(signalAddress(from), message, createSignalStores(unit).senderKeys);
}

/** One ciphertext for every device that has the key. */
export async function encryptForGroup(
  unit: UnitOfWork,
  own: DeviceAddress,
  distributionId: string,
  plaintext: Uint8Array,
): Promise<SessionCiphertext> {
  const { senderKeys } = createSignalStores(unit);
  const message = await groupEncrypt(signalAddress(own), distributionId, senderKeys, signalBytes(plaintext));
  return { type: message.type(), content: message.serialize() };
}

/** Throws libsignal's own error. */
export function decryptFromGroup(unit: UnitOfWork, from: DeviceAddress, content: Uint8Array): Promise<Uint8Array> {
  return groupDecrypt(signalAddress(from), createSignalStores(unit).senderKeys, signalBytes(content));
}

export function isForGroup({ type }: { readonly type: number }): boolean {
  return type === (CiphertextMessageType.SenderKey as number);
}
