import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Channels } from '../../ports/channels.js';
import type { Clock } from '../../ports/clock.js';
import type { Heads } from '../../ports/heads.js';
import type { History } from '../../ports/history.js';
import type { AccountId, ConversationId, Position } from '../../protocol/ids.js';
import type { ChannelHead } from '../../protocol/server-frames.js';
import type { ChannelEvents } from '../../telemetry/channel-events.js';
import type { LogCatchUp } from '../log-catch-up.js';
import { Demand } from '../demand.js';
import { FramePacer } from '../frame-pacer.js';
import type { Watcher } from '../presence/watch.js';
import { requireChannelMembers } from '../require-channel-member.js';
import { runTurns } from '../run-turns.js';
import { ChannelWatch } from './channel-watch.js';

/** A session hears of a channel once in a turn: 5 times a second at most. */
const turnMs = 200;
/** Who is told asks for a page: so many may at once. */
const framesPerTurn = 400;
/** Of one look at heads that may have been missed. */
const channelsPerLook = 100;
const lookAgainAfterMs = 1_000;

export interface ChannelHubDependencies {
  readonly channels: Pick<Channels, 'roles'>;
  readonly heads: Heads;
  readonly history: History;
  /** Of the history-writer. */
  readonly historyCatchUp: LogCatchUp;
  readonly clock: Clock;
  readonly events: ChannelEvents;
}

interface Watched {
  readonly watches: Set<ChannelWatch>;
  head: Position;
  /** Resolves when heads are heard; with the call that ends it. */
  readonly listening: Promise<() => void>;
}

/**
 * Which sessions of this gateway watch which channels. It hears of each channel once for all of them; they are told in their turn how far it is then, so many posts cost a session no more frames
 * than few. A head is told only when everything up to it can be read.
 */
export class ChannelHub {
  readonly #dependencies: ChannelHubDependencies;
  readonly #channels = new Map<ConversationId, Watched>();
  readonly #demand = new Demand();
  readonly #watchers = new Map<Watcher, Map<ConversationId, ChannelWatch>>();
  readonly #pacer = new FramePacer<ChannelWatch>(framesPerTurn);
  /** One read of a channel's head serves everybody who asked before it began: members come back all at once. */
  readonly #looks: MicroBatcher<ConversationId, Position | undefined>;
  /** Channels whose head may have been missed. */
  readonly #missed = new Set<ConversationId>();
  #looking = false;
  #lookAtMs = 0;

  constructor(dependencies: ChannelHubDependencies) {
    this.#dependencies = dependencies;
    this.#looks = new MicroBatcher((conversationIds) => this.#readHeads(conversationIds), {
      maxWaiting: 1_000_000,
      maxBatch: 10_000,
      retryAfterMs: 1_000,
    });
    dependencies.heads.onResumed(() => {
      for (const conversationId of this.#channels.keys()) this.#missed.add(conversationId);
    });
  }

  /** Watches of all sessions. */
  get size(): number {
    let count = 0;
    for (const own of this.#watchers.values()) count += own.size;
    return count;
  }

  run(signal: AbortSignal): Promise<void> {
    return runTurns({ clock: this.#dependencies.clock, everyMs: turnMs, demand: this.#demand, signal }, () => {
      this.#turn();
    });
  }

  /**
   * Instead of what the session watched before. Answers how far they are; what comes behind that is told, whatever comes while it is asked.
   * Throws DomainError `not_a_member` (with the channel), `unavailable`: then it is as it was.
   */
  async watch(watcher: Watcher, conversationIds: readonly ConversationId[]): Promise<ChannelHead[]> {
    const { channels } = this.#dependencies;
    const wanted = [...new Set(conversationIds)];
    await requireChannelMembers(channels, watcher.device.accountId, wanted);
    const before = this.#watchers.get(watcher);
    const fresh = wanted
      .filter((conversationId) => before?.has(conversationId) !== true)
      .map((conversationId) => this.#begin(watcher, conversationId));
    try {
      for (const { conversationId } of fresh) await this.#channels.get(conversationId)?.listening;
      const heads = await Promise.all(wanted.map(async (conversationId) => ({ conversationId, position: await this.#looks.add(conversationId) })));
      // It may have been removed while it was asked for; who is removed from now on is told by an announcement.
      await requireChannelMembers(channels, watcher.device.accountId, wanted);
      for (const watch of [...(this.#watchers.get(watcher)?.values() ?? [])]) if (!wanted.includes(watch.conversationId)) this.#end(watch);
      return heads.flatMap(({ conversationId, position }) => {
        if (position === undefined) return [];
        this.#watchers.get(watcher)?.get(conversationId)?.knows(position);
        return { conversationId, position };
      });
    } catch (error) {
      for (const watch of fresh) this.#end(watch);
      throw error;
    }
  }

  /** The session is over. */
  left(watcher: Watcher): void {
    for (const watch of [...(this.#watchers.get(watcher)?.values() ?? [])]) this.#end(watch);
  }

  /** The account is no member any more: its sessions hear of it, and of nothing after that. */
  memberLeft(conversationId: ConversationId, accountId: AccountId): void {
    for (const watch of [...(this.#channels.get(conversationId)?.watches ?? [])]) {
      if (watch.watcher.device.accountId !== accountId) continue;
      this.#end(watch);
      watch.watcher.send({ type: 'channel.left', conversationId });
    }
  }

  #begin(watcher: Watcher, conversationId: ConversationId): ChannelWatch {
    // A session that closed meanwhile watches nothing.
    if (watcher.state === 'closed') return new ChannelWatch(watcher, conversationId, () => -1);
    const watched = this.#channels.get(conversationId) ?? this.#listen(conversationId);
    const watch = new ChannelWatch(watcher, conversationId, () => watched.head);
    watched.watches.add(watch);
    const own = this.#watchers.get(watcher) ?? new Map<ConversationId, ChannelWatch>();
    this.#watchers.set(watcher, own.set(conversationId, watch));
    return watch;
  }

  #listen(conversationId: ConversationId): Watched {
    const listening = this.#dependencies.heads.listen(conversationId, ({ position }) => {
      this.#dependencies.events.headHeard();
      this.#raise(conversationId, position);
    });
    const watched: Watched = { watches: new Set(), head: -1, listening };
    this.#channels.set(conversationId, watched);
    this.#demand.set(true);
    return watched;
  }

  #end(watch: ChannelWatch): void {
    const { watcher, conversationId } = watch;
    this.#pacer.remove(watch);
    const own = this.#watchers.get(watcher);
    if (own?.get(conversationId) === watch) own.delete(conversationId);
    if (own?.size === 0) this.#watchers.delete(watcher);
    const watched = this.#channels.get(conversationId);
    watched?.watches.delete(watch);
    if (watched === undefined || watched.watches.size > 0) return;
    this.#channels.delete(conversationId);
    this.#demand.set(this.#channels.size > 0);
    void watched.listening.then((end) => {
      // Somebody may watch it again by now.
      if (!this.#channels.has(conversationId)) end();
    });
  }

  #raise(conversationId: ConversationId, position: Position): void {
    const watched = this.#channels.get(conversationId);
    if (watched === undefined || position <= watched.head) return;
    watched.head = position;
    for (const watch of watched.watches) this.#pacer.add(watch);
  }

  #turn(): void {
    const sent = this.#pacer.turn();
    if (sent > 0) this.#dependencies.events.headsTold(sent);
    if (this.#missed.size > 0 && !this.#looking && this.#dependencies.clock.nowMs() >= this.#lookAtMs) void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const some = [...this.#missed].slice(0, channelsPerLook);
    try {
      await Promise.all(some.map((conversationId) => this.#looks.add(conversationId)));
      for (const conversationId of some) this.#missed.delete(conversationId);
    } catch {
      this.#lookAtMs = this.#dependencies.clock.nowMs() + lookAgainAfterMs;
    }
    this.#looking = false;
  }

  /** With all that was accepted before. And rows of one batch can become visible in any order: what is read counts only when everything that the log held then is in History. */
  async #readHeads(conversationIds: readonly ConversationId[]): Promise<readonly (Position | undefined)[]> {
    const { history, historyCatchUp } = this.#dependencies;
    const asked = [...new Set(conversationIds)];
    const found = await Promise.all(
      asked.map(async (conversationId) => {
        const [watch] = this.#channels.get(conversationId)?.watches ?? [];
        if (watch === undefined) return [conversationId, undefined] as const;
        await historyCatchUp.passed(conversationId);
        const [newest] = await history.page({ conversationId, viewer: watch.watcher.device.accountId, limit: 1 });
        await historyCatchUp.passed(conversationId);
        return [conversationId, newest?.position] as const;
      }),
    );
    const heads = new Map(found);
    for (const [conversationId, position] of found) if (position !== undefined) this.#raise(conversationId, position);
    return conversationIds.map((conversationId) => heads.get(conversationId));
  }
}
