import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import type { ConversationId } from '../../protocol/ids.js';
import { packr } from '../packr.js';
import { openValue, sealValue } from '../store/value-seal.js';

/** What the posts of one epoch are sealed under. */
export interface EpochKey {
  readonly epoch: number;
  readonly key: Uint8Array;
}

export const epochKeyBytes = 32;
/** A packed one has 40 bytes; the server takes 16 KiB. What is older cannot be opened by who comes later. */
const maxKeys = 400;

const packedKeys = z.array(z.tuple([z.number().int().min(1), z.instanceof(Uint8Array)]));

export function newEpochKey(): Uint8Array {
  return randomBytes(epochKeyBytes);
}

/** The keys before the newest, sealed under it: whoever has the newest one opens what was posted before, too. */
export function sealKeyring(conversationId: ConversationId, { epoch, key }: EpochKey, before: readonly EpochKey[]): Uint8Array {
  const kept = before.toSorted((one, other) => one.epoch - other.epoch).slice(-maxKeys);
  return sealValue(key, labelOf(conversationId, epoch), packr.pack(kept.map((of) => [of.epoch, of.key])));
}

/** Throws SdkError `undecryptable` for another key than the keyring's; what else somebody sealed under it is none. */
export function openKeyring(conversationId: ConversationId, { epoch, key }: EpochKey, keyring: Uint8Array): readonly EpochKey[] {
  const packed = packedKeys.safeParse(packr.unpack(openValue(key, labelOf(conversationId, epoch), keyring)));
  if (!packed.success) return [];
  return packed.data.filter(([, of]) => of.byteLength === epochKeyBytes).map(([ofEpoch, of]) => ({ epoch: ofEpoch, key: of }));
}

function labelOf(conversationId: ConversationId, epoch: number): Uint8Array {
  return Buffer.from(`heliograph/keyring/v1|${conversationId}|${epoch}`);
}
