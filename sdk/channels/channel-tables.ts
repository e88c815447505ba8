import type { AccountId } from '../../protocol/ids.js';
import { table } from '../store/table.js';
import type { EpochKey } from './keyring.js';

/** Key: conversation id, epoch. What the posts of an epoch are sealed under: 32 bytes. */
export const channelKeyTable = table<Uint8Array>('channel-key');

export interface NextKey {
  readonly epoch: number;
  readonly key: Uint8Array;
  /** The same bytes with every try, so that the server knows it again. */
  readonly keyring: Uint8Array;
}
/** Key: conversation id. A key that this device made and the server has not taken yet, as far as it said. */
export const nextKeyTable = table<NextKey>('channel-key.next');

export interface KeyAsk {
  readonly askedAtMs: number;
  readonly times: number;
  /** Whose answer counts. */
  readonly asked: readonly AccountId[];
}
/** Key: conversation id. Who was asked for a key that is not here. */
export const keyAskTable = table<KeyAsk>('channel-key.asked');

/** Key: conversation id. A key that somebody gave without being asked: it counts if it opens the ring that the server has with it. */
export const offeredKeyTable = table<EpochKey>('channel-key.offered');

/** Key: conversation id, device. The number in the outbox of the answer to its last question. */
export const keyAnswerTable = table<number>('channel-key.answer');

/** Key: conversation id, device. Own devices that asked for the newest key while it was not here. */
export const keyWantedTable = table<true>('channel-key.wanted');

/** Key: account id. The identity key, as first seen, of somebody who posts and with whom there is no session. */
export const signerTable = table<Uint8Array>('channel-signer');
