import { exceptAfter, type ExceptChange } from '../../protocol/except.js';
import type { Watermark, Watermarks } from '../../ports/watermarks.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId, Position } from '../../protocol/ids.js';
import { afterPrefix, KeyWriter, positionAt, positionBytes, uuidAt, uuidBytes } from './keys.js';
import type { LmdbStore } from './lmdb-store.js';

const keyBytes = 2 * uuidBytes + 1;

/** Value: delivered and read position, 0 for none (a real position is at least 2^48), then those of `except`; 8 bytes each. */
export function createLmdbWatermarks(store: LmdbStore): Watermarks {
  const marks = store.database('watermarks');
  /** Written and not committed yet: a merge must see them. */
  const pending = new Map<string, Buffer>();

  return {
    raise: async (raised) => {
      const writes: Promise<unknown>[] = [];
      for (const mark of raised) {
        const key = keyOf(mark.conversationId, mark);
        const name = key.toString('latin1');
        const known = pending.get(name) ?? marks.get(key);
        const value = encode(higher(known, 0, mark.delivered), higher(known, positionBytes, mark.read), ...exceptIn(known, mark));
        if (known?.equals(value) === true) continue;
        pending.set(name, value);
        writes.push(
          marks.put(key, value).finally(() => {
            if (pending.get(name) === value) pending.delete(name);
          }),
        );
      }
      await Promise.all(writes);
    },

    of: (conversations, accountId) =>
      Promise.resolve(
        conversations.flatMap((conversationId) => {
          const prefix =
            accountId === undefined
              ? new KeyWriter(uuidBytes).uuid(conversationId).key
              : new KeyWriter(2 * uuidBytes).uuid(conversationId).uuid(accountId).key;
          return [...marks.range({ start: prefix, end: afterPrefix(prefix) })].map(({ key, value }) => decode(key, value));
        }),
      ),
  };
}

function keyOf(conversationId: ConversationId, device: DeviceAddress): Buffer {
  return new KeyWriter(keyBytes).uuid(conversationId).device(device).key;
}

function higher(known: Buffer | undefined, at: number, position: Position | undefined): Position {
  return Math.max(known === undefined ? 0 : positionAt(known, at), position ?? 0);
}

function exceptIn(value: Buffer | undefined, change?: ExceptChange): Position[] {
  const known: Position[] = [];
  for (let at = 2 * positionBytes; at < (value?.byteLength ?? 0); at += positionBytes) known.push(positionAt(value as Buffer, at));
  return exceptAfter(known, change);
}

function encode(...positions: readonly Position[]): Buffer {
  return positions.reduce((writer, position) => writer.position(position), new KeyWriter(positions.length * positionBytes)).key;
}

function decode(key: Buffer, value: Buffer): Watermark {
  const delivered = positionAt(value, 0);
  const read = positionAt(value, positionBytes);
  const except = exceptIn(value);
  return {
    conversationId: uuidAt(key, 0) as ConversationId,
    accountId: uuidAt(key, uuidBytes) as AccountId,
    deviceId: (key[2 * uuidBytes] ?? 0) as DeviceId,
    ...(delivered === 0 ? {} : { delivered }),
    ...(read === 0 ? {} : { read }),
    ...(except.length === 0 ? {} : { except }),
  };
}
