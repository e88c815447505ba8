import { isOver, release, stateOf, suspect, suspectAt, type InboxPlace, type Suspect, type Suspicion } from '../../core/suspicion.js';
import type { Quarantine, QuarantinedItem } from '../../ports/quarantine.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import { deviceAt, deviceRange, inboxKey, placeAt } from './inbox-keys.js';
import type { LmdbStore } from './lmdb-store.js';
import { packRow, unpackRow } from './rows.js';
import { sweep, type Sweep } from './sweep.js';

export interface LmdbSuspicions extends Quarantine {
  suspects(device: DeviceAddress): readonly Suspect[];
  clear(device: DeviceAddress): Promise<void>;
  readonly sweepExpired: Sweep;
}

/** What is held against inbox rows, under the keys of these. */
export function createLmdbSuspicions(store: LmdbStore, options: { readonly maxAgeMs: number }): LmdbSuspicions {
  const suspicions = store.database('inbox-suspicions');
  const find = (device: DeviceAddress, item: InboxPlace) => {
    const value = suspicions.get(inboxKey(device, item));
    return value && decode(value);
  };
  const suspects = (device: DeviceAddress): readonly Suspect[] =>
    [...suspicions.range(deviceRange(device))].map(({ key, value }) => suspectAt(placeAt(key), decode(value)));

  return {
    suspects,
    suspect: async (device, items, unacked) => {
      const kept = suspects(device).filter(({ state }) => state !== 'suspected').length;
      const held = items.map((item) => ({ item, suspicion: suspect(item.messageId, find(device, item), unacked, kept) }));
      await Promise.all(held.map(({ item, suspicion }) => suspicions.put(inboxKey(device, item), encode(suspicion))));
      return held.some(({ suspicion }) => stateOf(suspicion) === 'quarantined');
    },
    sinceMs: (devices, item) => Promise.resolve(devices.map((device) => find(device, item)?.quarantinedAtMs)),
    list: (limit) => {
      const items: QuarantinedItem[] = [];
      for (const { key, value } of suspicions.range({})) {
        const { messageId, quarantinedAtMs: sinceMs } = decode(value);
        if (sinceMs !== undefined) items.push({ device: deviceAt(key), ...placeAt(key), messageId, sinceMs });
        if (items.length === limit) break;
      }
      return Promise.resolve(items);
    },
    release: async (device, item, nowMs) => {
      const known = find(device, item);
      if (known !== undefined) await suspicions.put(inboxKey(device, item), encode(release(known, nowMs)));
    },
    forget: async (device, item) => {
      await suspicions.remove(inboxKey(device, item));
    },
    clear: async (device) => {
      await Promise.all([...suspicions.keys(deviceRange(device))].map((key) => suspicions.remove(key)));
    },
    sweepExpired: sweep(suspicions, (value, nowMs) => isOver(decode(value), nowMs, options.maxAgeMs)),
  };
}

type StoredSuspicion = [
  messageId: Suspicion['messageId'],
  suspectedAtMs: number,
  aloneOn: number | null,
  quarantinedAtMs: number | null,
  releasedAtMs?: number | null,
];

function encode({ messageId, suspectedAtMs, aloneOn, quarantinedAtMs, releasedAtMs }: Suspicion): Buffer {
  const stored: StoredSuspicion = [messageId, suspectedAtMs, aloneOn ?? null, quarantinedAtMs ?? null, releasedAtMs ?? null];
  return packRow(stored);
}

function decode(value: Buffer): Suspicion {
  const [messageId, suspectedAtMs, aloneOn, quarantinedAtMs, releasedAtMs] = unpackRow(value) as StoredSuspicion;
  return {
    ...{ messageId, suspectedAtMs },
    aloneOn: aloneOn ?? undefined,
    quarantinedAtMs: quarantinedAtMs ?? undefined,
    releasedAtMs: releasedAtMs ?? undefined,
  };
}
