import type { types } from 'cassandra-driver';

import {
  isSamePlace,
  release,
  stateOf,
  suspect,
  suspectAt,
  suspicionMaxAgeMs,
  type InboxPlace,
  type Suspect,
  type Suspicion,
} from '../../core/suspicion.js';
import type { Quarantine } from '../../ports/quarantine.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId, MessageId } from '../../protocol/ids.js';
import type { CassandraClient } from './cassandra-client.js';

const place = 'account_id, device_id, conversation_id, position';
const columns = `${place}, message_id, suspected_at, alone_on, quarantined_at, released_at`;
const ofDevice = 'WHERE account_id = ? AND device_id = ?';
const ofItem = `${ofDevice} AND conversation_id = ? AND position = ?`;
const selectOfDevice = `SELECT ${columns} FROM suspicion_by_device ${ofDevice}`;
const selectOfItem = `SELECT quarantined_at FROM suspicion_by_device ${ofItem}`;
/** Of the whole table, which holds little. */
const selectAll = `SELECT ${columns} FROM suspicion_by_device LIMIT ?`;
const insert = `INSERT INTO suspicion_by_device (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) USING TTL ?`;
const deleteOfItem = `DELETE FROM suspicion_by_device ${ofItem}`;
const deleteOfDevice = `DELETE FROM suspicion_by_device ${ofDevice}`;
/** What `list` looks through at most. */
const maxListed = 10_000;

export interface CassandraSuspicions extends Quarantine {
  suspects(device: DeviceAddress): Promise<readonly Suspect[]>;
  clear(device: DeviceAddress): Promise<void>;
}

/** What is held against inbox rows. Rarely written, with times that lie seconds apart: those of the writes decide. */
export function createCassandraSuspicions(client: CassandraClient, options: { readonly maxAgeMs: number }): CassandraSuspicions {
  const all = async ({ accountId, deviceId }: DeviceAddress) => (await client.rows(selectOfDevice, accountId, deviceId)).map(decode);
  const insertOf = ({ accountId, deviceId }: DeviceAddress, { conversationId, position }: InboxPlace, suspicion: Suspicion) => {
    const { messageId, suspectedAtMs, aloneOn = null, quarantinedAtMs = null, releasedAtMs = null } = suspicion;
    const ttlSeconds = Math.ceil((stateOf(suspicion) === 'suspected' ? suspicionMaxAgeMs : options.maxAgeMs) / 1_000);
    const values = [conversationId, position, messageId, suspectedAtMs, aloneOn, quarantinedAtMs, releasedAtMs];
    return { query: insert, params: [accountId, deviceId, ...values, ttlSeconds] };
  };

  return {
    suspects: async (device) => (await all(device)).map(({ item, suspicion }) => suspectAt(item, suspicion)),
    suspect: async (device, items, unacked) => {
      const known = await all(device);
      const kept = known.filter(({ suspicion }) => stateOf(suspicion) !== 'suspected').length;
      const held = items.map((item) => {
        const present = known.find((of) => isSamePlace(of.item, item));
        return { item, suspicion: suspect(item.messageId, present?.suspicion, unacked, kept) };
      });
      await client.write([[held.map(({ item, suspicion }) => insertOf(device, item, suspicion))]]);
      return held.some(({ suspicion }) => stateOf(suspicion) === 'quarantined');
    },
    sinceMs: async (devices, { conversationId, position }) => {
      const places = devices.map(({ accountId, deviceId }) => [accountId, deviceId, conversationId, position]);
      return (await client.rowsOfEach(selectOfItem, places)).map(([row]) => (row === undefined ? undefined : numberOf(row, 'quarantined_at')));
    },
    list: async (limit) => {
      const found = (await client.rows(selectAll, maxListed)).map(decode);
      return found
        .flatMap(({ device, item, suspicion: { messageId, quarantinedAtMs: sinceMs } }) =>
          sinceMs === undefined ? [] : [{ device, ...item, messageId, sinceMs }],
        )
        .slice(0, limit);
    },
    release: async (device, item, nowMs) => {
      const known = (await all(device)).find((of) => isSamePlace(of.item, item));
      if (known !== undefined) await client.write([[[insertOf(device, item, release(known.suspicion, nowMs))]]]);
    },
    forget: async ({ accountId, deviceId }, { conversationId, position }) => {
      await client.write([[[{ query: deleteOfItem, params: [accountId, deviceId, conversationId, position] }]]]);
    },
    clear: async ({ accountId, deviceId }) => {
      await client.write([[[{ query: deleteOfDevice, params: [accountId, deviceId] }]]]);
    },
  };
}

function decode(row: types.Row): { readonly device: DeviceAddress; readonly item: InboxPlace; readonly suspicion: Suspicion } {
  return {
    device: { accountId: String(row.get('account_id')) as AccountId, deviceId: row.get('device_id') as DeviceId },
    item: { conversationId: String(row.get('conversation_id')) as ConversationId, position: (row.get('position') as types.Long).toNumber() },
    suspicion: {
      messageId: String(row.get('message_id')) as MessageId,
      suspectedAtMs: numberOf(row, 'suspected_at') ?? 0,
      aloneOn: numberOf(row, 'alone_on'),
      quarantinedAtMs: numberOf(row, 'quarantined_at'),
      releasedAtMs: numberOf(row, 'released_at'),
    },
  };
}

function numberOf(row: types.Row, column: string): number | undefined {
  return (row.get(column) as types.Long | null)?.toNumber();
}
