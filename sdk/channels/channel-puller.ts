import { setTimeout as sleep } from 'node:timers/promises';

import { DomainError } from '../../protocol/errors.js';
import type { ConversationId, DeviceAddress, Position } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { HistoryPage } from '../../protocol/rest/conversation.js';
import type { ChannelHead } from '../../protocol/server-frames.js';
import { inChunks } from '../in-chunks.js';
import { afterFailure } from '../messages/outbox-rules.js';
import { conversationTable } from '../messages/message-tables.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Connection } from '../transport/connection.js';
import { changeChannelRow, channelRowOf } from './channel-rows.js';
import { lookAtChannel } from './look-at-channel.js';
import { lacksKey, receivePosts, type ReceivedPosts } from './receive-posts.js';
import { signersOf } from './signers.js';

/** Of a new member; older posts are in the history. */
const firstPage = 50;
/** A hint may be lost. */
const compareEveryMs = 5 * 60_000;

export interface ChannelPullerDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
  /** Of everything that touches Signal state; what is kept changes there alone. */
  readonly signal: SerialQueue;
  /** What was stored; told from there. */
  readonly onReceived: (received: ReceivedPosts) => void;
  /** The key of a post is not here. */
  readonly onKeyMissing: (conversationId: ConversationId, author: DeviceAddress) => Promise<void>;
  /** The account is no member any more. */
  readonly onLeft: (conversationId: ConversationId) => void;
  /** The channels that there are were looked at. */
  readonly onCompared: () => void;
  /** Of work that nobody awaits, and that fails without harm. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

/**
 * Reads channels to this device: hears how far they are, and asks for pages from where it is up to there, one channel after the other. What a hint did not tell is found by comparing, at each connect
 * and every five minutes. It never reads beyond a head that the server told: only up to there history is complete.
 */
export class ChannelPuller {
  readonly #dependencies: ChannelPullerDependencies;
  readonly #closing = new AbortController();
  /** Channels that are further than this device may be. */
  readonly #heads = new Map<ConversationId, Position>();
  #connection: Connection | undefined;
  #pulling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(dependencies: ChannelPullerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Throws SdkError `offline`, and what the server refuses for good. */
  async connected(connection: Connection): Promise<void> {
    this.#connection = connection;
    await this.compare();
  }

  disconnected(): void {
    this.#connection = undefined;
    clearTimeout(this.#timer);
  }

  /** The server told how far a channel is. */
  take({ conversationId, position }: ChannelHead): void {
    this.#heads.set(conversationId, Math.max(position, this.#heads.get(conversationId) ?? -1));
    this.#pull();
  }

  /** Watches the channels that there are, and looks how far they are. Without a connection the next one does. Throws as `connected` does. */
  async compare(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.compareSoon();
    }, compareEveryMs);
    this.#timer.unref();
    // Each list takes the place of the one before: the last one stays watched.
    const lists = inChunks(this.#own(), limits.maxChannelWatches);
    for (const conversations of lists.length === 0 ? [[]] : lists) await this.#watch(connection, conversations);
    this.#dependencies.onCompared();
  }

  /** The channels of this device are others than before. */
  compareSoon(): void {
    this.#dependencies.inBackground(this.compare());
  }

  /** The account may be no member any more. */
  lookSoon(conversationId: ConversationId): void {
    this.#dependencies.inBackground(this.#look(conversationId));
  }

  /** Resolves when everything that the server has of its channels is here, or waits for a key. Throws SdkError `offline`. */
  async refresh(): Promise<void> {
    let connection;
    do {
      connection = this.#connection;
      if (connection === undefined) throw new SdkError('offline', 'the device is not connected');
      await this.compare();
      await this.#pulling;
    } while (connection !== this.#connection);
  }

  /** A key came: what waited for it goes on. */
  async keyCame(conversationId: ConversationId): Promise<void> {
    await this.#look(conversationId);
    await this.compare();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.disconnected();
    await this.#pulling;
  }

  /** Those that were read last are watched. */
  #own(): readonly ConversationId[] {
    const rows = this.#dependencies.store.range(conversationTable, []).flatMap(({ key, row }) => {
      return row.kind === 'channel' && row.role !== undefined
        ? [{ conversationId: key[0] as ConversationId, pulledTo: row.pulledTo ?? Infinity }]
        : [];
    });
    return rows.sort((one, other) => one.pulledTo - other.pulledTo).map(({ conversationId }) => conversationId);
  }

  async #watch(connection: Connection, wanted: readonly ConversationId[]): Promise<void> {
    let conversations = wanted;
    for (let failures = 0; this.#connection === connection;) {
      try {
        const reply = await connection.request({ type: 'channels.watch', conversations: [...conversations] });
        if (reply.type === 'ok') for (const head of reply.heads ?? []) this.take(head);
        return;
      } catch (error) {
        const left = leftBy(error);
        if (left === undefined) {
          await this.#pauseAfter(error, failures);
          failures += 1;
        } else {
          await this.#left(left);
          conversations = conversations.filter((conversationId) => conversationId !== left);
        }
      }
    }
  }

  #pull(): void {
    this.#pulling ??= this.#pullAll().finally(() => {
      this.#pulling = undefined;
      // What was told while it ended.
      if (this.#heads.size > 0 && this.#connection !== undefined && !this.#closing.signal.aborted) this.#pull();
    });
  }

  async #pullAll(): Promise<void> {
    let failures = 0;
    for (let [next] = this.#heads; next !== undefined && this.#connection !== undefined; [next] = this.#heads) {
      const [conversationId, head] = next;
      this.#heads.delete(conversationId);
      try {
        await this.#kept(() => this.#pullUpTo(conversationId, head), conversationId);
        failures = 0;
      } catch (error) {
        // What asking again does not mend is told, and asked again at the next comparison.
        const again = this.#pauseAfter(error, failures).then(() => {
          this.#heads.set(conversationId, Math.max(head, this.#heads.get(conversationId) ?? -1));
        });
        failures += 1;
        this.#dependencies.inBackground(again);
        await again.catch(() => undefined);
      }
    }
  }

  async #pullUpTo(conversationId: ConversationId, head: Position): Promise<void> {
    const { store, own, rest, signal, onReceived, onKeyMissing } = this.#dependencies;
    for (let row = channelRowOf(store, conversationId); row?.role !== undefined; row = channelRowOf(store, conversationId)) {
      const { pulledTo } = row;
      if (pulledTo !== undefined && pulledTo >= head) {
        // What waited for a key may have disappeared meanwhile.
        if (row.waitsForKey === true)
          await changeInTurn(this.#dependencies, (unit) => changeChannelRow(unit, conversationId, { waitsForKey: false }));
        return;
      }
      const page = await this.#page(conversationId, pulledTo, head);
      const signers = await signersOf({ store, own, rest }, authorsOf(page.items));
      // Whether a key is still to come is known by what the server says now.
      if (page.items.some((item) => item.kind === 'event' || lacksKey(store, item))) await lookAtChannel(this.#dependencies, conversationId);
      const received = await signal.run(() => receivePosts(store, own, { conversationId, signers, ...page }, Date.now()));
      onReceived(received);
      if (received.waitsFor !== undefined) {
        await onKeyMissing(conversationId, received.waitsFor);
        return;
      }
    }
  }

  /** Oldest first. */
  async #page(conversationId: ConversationId, after: Position | undefined, head: Position) {
    const { rest } = this.#dependencies;
    const query = after === undefined ? { limit: firstPage, before: head + 1 } : { after, limit: limits.maxHistoryPage };
    const { items } = await rest.call('getMessages', { params: { conversationId }, query });
    if (after === undefined) return { items: items.toReversed(), upTo: head };
    const known = items.filter(({ position }) => position <= head);
    const isWhole = known.length < items.length || items.length < limits.maxHistoryPage;
    return { items: known, upTo: isWhole ? head : (known.at(-1)?.position ?? head) };
  }

  #look(conversationId: ConversationId): Promise<void> {
    return this.#kept(() => lookAtChannel(this.#dependencies, conversationId), conversationId);
  }

  /** Whoever was removed hears of it by what is refused. */
  async #kept(work: () => Promise<void>, conversationId: ConversationId): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'not_a_member')) throw error;
      await this.#left(conversationId);
    }
  }

  async #left(conversationId: ConversationId): Promise<void> {
    this.#heads.delete(conversationId);
    const was = channelRowOf(this.#dependencies.store, conversationId)?.role;
    if (was === undefined) return;
    await changeInTurn(this.#dependencies, (unit) => changeChannelRow(unit, conversationId, { role: undefined, waitsForKey: false }));
    this.#dependencies.onLeft(conversationId);
  }

  /** Throws what only another connection mends, and what asking again does not. */
  async #pauseAfter(error: unknown, failures: number): Promise<void> {
    const next = afterFailure(error, failures, Math.random());
    if (next.step !== 'again' || this.#connection === undefined) throw error;
    await sleep(next.afterMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

function authorsOf(items: HistoryPage['items']) {
  return items.flatMap(({ kind, sender }) => (kind === 'message' ? [sender.accountId] : []));
}

function leftBy(error: unknown): ConversationId | undefined {
  if (!(error instanceof DomainError) || error.code !== 'not_a_member') return undefined;
  return error.detail?.['conversationId'] as ConversationId | undefined;
}
