import type { History, MessageLocation, RowKey, StoredAlias, StoredMessage } from '../../../ports/history.js';
import type { Inbox, InboxEntry, InboxRow } from '../../../ports/inbox.js';
import type { SessionRegistry } from '../../../ports/session-registry.js';
import { deviceKey } from '../../../protocol/ids.js';
import { MemorySuspicions } from '../memory-suspicions.js';
import type { Environment, Owner, Service } from './environment.js';

/** The inbox of the simulated system, shared by all its processes. */
export class SimulatedInbox implements Service {
  down = false;
  frozen: Promise<void> | undefined;
  readonly rows = new Map<string, InboxRow[]>();
  readonly suspicions = new MemorySuspicions();
  /** Called with every row that is deleted. */
  onRemoved: (device: string, row: InboxRow) => void = () => undefined;

  of(environment: Environment, owner: Owner): Inbox {
    const call = <T>(work: () => T) => environment.call(owner, this, work);
    return {
      put: (entries) => call(() => this.#put(entries)),
      read: (device, { maxRows, afterConversation }) =>
        call(() => {
          const rows = (this.rows.get(deviceKey(device)) ?? []).filter(
            (row) => afterConversation === undefined || row.conversationId > afterConversation,
          );
          const suspects = this.suspicions.suspects(device);
          return { rows: rows.slice(0, Math.min(maxRows, 3)), more: rows.length > Math.min(maxRows, 3), suspects };
        }),
      queuedAtMs: (devices, item) =>
        call(() =>
          devices.map((device) => {
            const rows = this.rows.get(deviceKey(device)) ?? [];
            return rows.find(({ conversationId, position }) => conversationId === item.conversationId && position === item.position)?.queuedAtMs;
          }),
        ),
      remove: (device, ranges) =>
        call(() => {
          const key = deviceKey(device);
          const gone = (row: InboxRow) =>
            ranges.some(({ conversationId, first, last }) => row.conversationId === conversationId && row.position >= first && row.position <= last);
          const rows = this.rows.get(key) ?? [];
          for (const row of rows) if (gone(row)) this.onRemoved(key, row);
          this.rows.set(
            key,
            rows.filter((row) => !gone(row)),
          );
        }),
      clear: (device) => call(() => void this.rows.delete(deviceKey(device))),
    };
  }

  #put(entries: readonly InboxEntry[]): void {
    for (const { device, row } of entries) {
      const key = deviceKey(device);
      const rows = this.rows.get(key) ?? [];
      if (rows.some((known) => known.conversationId === row.conversationId && known.position === row.position)) continue;
      rows.push(row);
      rows.sort((one, other) =>
        one.conversationId === other.conversationId ? one.position - other.position : one.conversationId < other.conversationId ? -1 : 1,
      );
      this.rows.set(key, rows);
    }
  }
}

export class SimulatedHistory implements Service {
  down = false;
  readonly #rows = new Map<string, StoredMessage | StoredAlias>();
  readonly #ids = new Map<string, MessageLocation>();

  of(environment: Environment, owner: Owner): History {
    const call = <T>(work: () => T) => environment.call(owner, this, work);
    return {
      append: (messages, aliases) =>
        call(() => {
          for (const message of messages) {
            if (!this.#ids.has(message.messageId)) this.#ids.set(message.messageId, message);
            this.#rows.set(keyOf(message), message);
          }
          for (const alias of aliases) this.#rows.set(keyOf(alias), alias);
        }),
      find: (messageIds) => call(() => messageIds.map((messageId) => this.#ids.get(messageId))),
      page: () => Promise.reject(new Error('not part of the simulation')),
      read: (keys) => call(() => keys.map((key) => this.#rows.get(keyOf(key)))),
    };
  }
}

function keyOf({ conversationId, position }: Pick<RowKey, 'conversationId' | 'position'>): string {
  return `${conversationId}/${position}`;
}

/** The real registry behind a network that fails. */
export function unreliableRegistry(environment: Environment, owner: Owner, service: Service, registry: () => SessionRegistry): SessionRegistry {
  const call = <T>(work: () => Promise<T>) =>
    environment.call(
      owner,
      {
        get down() {
          return service.down || owner.cutFromRegistry;
        },
        get frozen() {
          return service.frozen;
        },
      },
      work,
    );
  return {
    openLease: (gatewayId) => call(() => registry().openLease(gatewayId)),
    renewLease: (gatewayId, leaseEpoch) => call(() => registry().renewLease(gatewayId, leaseEpoch)),
    closeLease: (gatewayId, leaseEpoch) => call(() => registry().closeLease(gatewayId, leaseEpoch)),
    claim: (claims) => call(() => registry().claim(claims)),
    release: (claims) => call(() => registry().release(claims)),
    lookup: (accounts) => call(() => registry().lookup(accounts)),
  };
}
