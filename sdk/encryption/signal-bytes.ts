import { ProtocolAddress } from '@signalapp/libsignal-client';

import type { DeviceAddress } from '../../protocol/ids.js';

/** libsignal wants memory of its own kind, not shared and not pooled: a copy. */
export function signalBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

export function signalAddress({ accountId, deviceId }: DeviceAddress): ProtocolAddress {
  return ProtocolAddress.new(accountId, deviceId);
}
