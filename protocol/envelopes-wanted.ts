import { z } from 'zod';

import { deviceAddress, messageId, position } from './ids.js';

/** What an item of kind `envelopes.wanted` says: a message of this account was accepted for an older roster than there was, and these devices of its conversation got nothing. They are to get its key. */
export const envelopesWanted = z.strictObject({
  messageId,
  position,
  devices: z.array(deviceAddress).min(1),
});
export type EnvelopesWanted = z.infer<typeof envelopesWanted>;

/** The content of the item's envelope: JSON. Nothing secret is in it. */
export function encodeEnvelopesWanted(wanted: EnvelopesWanted): Uint8Array {
  return Buffer.from(JSON.stringify(wanted));
}

/** `undefined` for what this version does not know. */
export function decodeEnvelopesWanted(content: Uint8Array | undefined): EnvelopesWanted | undefined {
  if (content === undefined) return undefined;
  try {
    return envelopesWanted.parse(JSON.parse(Buffer.from(content).toString('utf8')));
  } catch {
    return undefined;
  }
}
