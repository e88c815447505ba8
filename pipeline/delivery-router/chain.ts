import type { GatewayConnection, PushAnswer } from '../../ports/gateway-link.js';
import type { InboxRow } from '../../ports/inbox.js';
import type { DeviceSession } from '../../ports/session-registry.js';
import type { WakeUpCause } from '../../ports/wake-ups.js';
import type { DeviceAddress } from '../../protocol/ids.js';

/** One record for one device, until it is acked or in the device's inbox. */
export interface ChainItem {
  readonly offset: number;
  readonly row: InboxRow;
}

export interface ChainDependencies {
  /** Acked by the device, or its row is safe (rule 2). */
  resolved(item: ChainItem): void;
  /** Writes rows, then makes sure that a session which is there will read them, or that the device is woken; as often as it takes. Never rejects. */
  inboxPath(device: DeviceAddress, rows: readonly InboxRow[], partition: number, wakeUp: WakeUpCause): Promise<InboxPathOutcome>;
  pushAnswered(answer: PushAnswer): void;
}

export interface LearnedStream {
  readonly key: string;
  readonly stream: number;
}

/** The rows are safe, perhaps with a stream number that was learned; or the process stops and they will be redelivered. */
export type InboxPathOutcome = { readonly outcome: 'safe'; readonly learned?: LearnedStream } | { readonly outcome: 'stopped' };

interface OpenPush {
  readonly item: ChainItem;
  open: boolean;
}

/** What a chain decides for an item: push it on this session, or nothing to do for the caller. */
export interface PushOrder {
  readonly connection: GatewayConnection;
  readonly session: DeviceSession;
  readonly stream: number;
  answer(answer: PushAnswer): void;
}

/**
 * Everything under way for one device in one partition, in position order (rule 1). All outstanding pushes are on one session. While anything is on
 * the inbox path, later items join it; a row is written only when every earlier item is acked or has its row.
 */
export class Chain {
  readonly #device: DeviceAddress;
  readonly #partition: number;
  readonly #dependencies: ChainDependencies;
  #sessionKey = '';
  readonly #outstanding: OpenPush[] = [];
  readonly #inbox: ChainItem[] = [];
  #onInboxPath = false;
  #working = false;
  /** Of the session that pushes go to; another session starts from 0 (rule 3). */
  #stream: LearnedStream = { key: '', stream: 0 };

  constructor(device: DeviceAddress, partition: number, dependencies: ChainDependencies) {
    this.#device = device;
    this.#partition = partition;
    this.#dependencies = dependencies;
  }

  /** Nothing is under way: the chain may be forgotten. */
  get idle(): boolean {
    return this.#outstanding.length === 0 && !this.#onInboxPath;
  }

  /** The next item, with what a look-up made for it said: its session and the link to that, or neither. */
  take(item: ChainItem, session: DeviceSession | undefined, connection: GatewayConnection | undefined): PushOrder | undefined {
    const sessionKey = session === undefined ? '' : `${session.gatewayId}/${session.leaseEpoch}/${session.sessionEpoch}`;
    if (this.#sessionKey !== sessionKey) {
      for (const push of [...this.#outstanding]) this.#answered(push, 'gone');
      this.#sessionKey = sessionKey;
    }
    if (this.#onInboxPath || session === undefined || connection === undefined) {
      this.#toInbox(item);
      return undefined;
    }
    const push: OpenPush = { item, open: true };
    this.#outstanding.push(push);
    const key = streamKey(connection, session);
    return {
      connection,
      session,
      stream: this.#stream.key === key ? this.#stream.stream : 0,
      answer: (answer) => {
        this.#answered(push, answer);
      },
    };
  }

  #answered(push: OpenPush, answer: PushAnswer): void {
    if (!push.open) return;
    push.open = false;
    this.#outstanding.splice(this.#outstanding.indexOf(push), 1);
    this.#dependencies.pushAnswered(answer);
    if (answer !== 'delivered') {
      this.#toInbox(push.item);
      return;
    }
    this.#dependencies.resolved(push.item);
    if (this.#onInboxPath) void this.#work();
  }

  #toInbox(item: ChainItem): void {
    this.#onInboxPath = true;
    let index = this.#inbox.length;
    while (index > 0 && (this.#inbox[index - 1]?.offset ?? 0) > item.offset) index -= 1;
    this.#inbox.splice(index, 0, item);
    void this.#work();
  }

  /** One ordered batch after the other, up to the first item that is still outstanding on a session. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let batch = this.#takeBatch(); batch.length > 0; batch = this.#takeBatch()) {
      const rows = batch.map(({ row }) => row);
      const wakeUp = this.#sessionKey === '' ? 'at-once' : 'unless-back';
      const stored = await this.#dependencies.inboxPath(this.#device, rows, this.#partition, wakeUp);
      if (stored.outcome === 'stopped') return;
      if (stored.learned !== undefined) this.#stream = stored.learned;
      for (const item of batch) this.#dependencies.resolved(item);
    }
    this.#working = false;
    this.#onInboxPath = this.#inbox.length > 0;
  }

  #takeBatch(): ChainItem[] {
    const firstOutstanding = this.#outstanding.reduce((lowest, { item }) => Math.min(lowest, item.offset), Infinity);
    const blocked = this.#inbox.findIndex(({ offset }) => offset > firstOutstanding);
    return this.#inbox.splice(0, blocked < 0 ? this.#inbox.length : blocked);
  }
}

/** Stream numbers count per link and session. */
export function streamKey(connection: GatewayConnection, { sessionEpoch }: { readonly sessionEpoch: number }): string {
  return `${connection.linkId}/${sessionEpoch}`;
}
