import type { InboxPlace } from '../../core/suspicion.js';
import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { afterPrefix, KeyWriter, positionAt, positionBytes, uuidAt, uuidBytes } from './keys.js';

const deviceBytes = uuidBytes + 1;

/** Of a row of an inbox, and of what is held against it. */
export function inboxKey(device: DeviceAddress, { conversationId, position }: InboxPlace): Buffer {
  return new KeyWriter(deviceBytes + uuidBytes + positionBytes).device(device).uuid(conversationId).position(position).key;
}

/** All of a device; with a conversation what comes after it. */
export function deviceRange(device: DeviceAddress, afterConversation?: ConversationId): { readonly start: Buffer; readonly end: Buffer } {
  const prefix = new KeyWriter(deviceBytes).device(device).key;
  const start =
    afterConversation === undefined ? prefix : afterPrefix(new KeyWriter(deviceBytes + uuidBytes).device(device).uuid(afterConversation).key);
  return { start, end: afterPrefix(prefix) };
}

export function placeAt(key: Buffer): InboxPlace {
  return { conversationId: uuidAt(key, deviceBytes) as ConversationId, position: positionAt(key, deviceBytes + uuidBytes) };
}

export function deviceAt(key: Buffer): DeviceAddress {
  return { accountId: uuidAt(key, 0) as DeviceAddress['accountId'], deviceId: key[uuidBytes] as DeviceAddress['deviceId'] };
}
