import type { Clock } from '../../ports/clock.js';
import type { ConsumeOptions } from '../../ports/event-log.js';
import { keyOf, type Broker, type ClusterClient, type TopicLayout } from './cluster-client.js';
import { fetchRecords, partitionsOutOfRange, type Fetched } from './fetch-records.js';
import { GroupMember } from './group-member.js';
import { PartitionFeed } from './partition-feed.js';

/** How long the broker waits for records, and how long while a partition waits for room to be fetched again. */
const fetchWaitMs = 500;
const shortWaitMs = 20;
const commitEveryMs = 250;
const tryAgainAfterMs = 200;
const reportEveryMs = 5_000;
/** A member of a group with more members than partitions may stay without any. */
const firstPartitionsWithinMs = 5_000;

export interface GroupConsumerDependencies {
  /** For fetches, which wait at the broker. */
  readonly fetching: ClusterClient;
  /** For heartbeats and offsets, which do not. */
  readonly coordinating: ClusterClient;
  readonly clock: Clock;
  /** Names of the topic and the group in Kafka. */
  readonly topic: string;
  readonly groupId: string;
  readonly onFailed: (error: unknown) => void;
}

/** One consumer of a group: a feed for each partition that is worked here, filled by one fetch after the other from each broker that leads any of them. */
export class GroupConsumer {
  readonly #dependencies: GroupConsumerDependencies;
  readonly #options: ConsumeOptions;
  readonly #member: GroupMember;
  readonly #feeds = new Map<number, PartitionFeed>();
  readonly #revocations = new Map<number, Promise<void>>();
  readonly #opening = new Set<number>();
  readonly #uncommitted = new Map<number, number>();
  readonly #fetches = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #worksAny = new AbortController();
  #layout: TopicLayout | undefined;
  #committing: Promise<void> | undefined;
  #reportedAtMs = 0;
  /** What is opened for an assignment that was lost meanwhile is not worked. */
  #losses = 0;

  constructor(dependencies: GroupConsumerDependencies, options: ConsumeOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    const { coordinating: client, clock, topic, groupId } = dependencies;
    this.#member = new GroupMember({
      client,
      clock,
      topic,
      groupId,
      owned: () => [...this.#feeds.keys(), ...this.#revocations.keys(), ...this.#opening],
      assigned: (partitions) => {
        this.#assign(new Set(partitions));
      },
      lost: async () => {
        this.#losses += 1;
        this.#uncommitted.clear();
        for (const partition of [...this.#feeds.keys()]) this.#revoke(partition);
        await Promise.all(this.#revocations.values());
      },
      onFailed: (error) => {
        this.#report(error);
      },
    });
  }

  /** Resolves when it works its first partitions, or others of the group keep them all. */
  async start(): Promise<void> {
    const { fetching, clock, topic } = this.#dependencies;
    this.#layout = await fetching.layout(topic);
    await this.#member.join();
    await clock.sleep(firstPartitionsWithinMs, this.#worksAny.signal).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const partition of [...this.#feeds.keys()]) this.#revoke(partition);
    await Promise.all(this.#revocations.values());
    await this.#committing;
    await this.#member.leave();
    this.#dependencies.coordinating.close();
    this.#dependencies.fetching.close();
    await Promise.all(this.#fetches.values());
  }

  #assign(assigned: ReadonlySet<number>): void {
    if (this.#stop.signal.aborted) return;
    for (const partition of [...this.#feeds.keys()]) if (!assigned.has(partition)) this.#revoke(partition);
    const fresh = [...assigned].filter(
      (partition) => !this.#feeds.has(partition) && !this.#revocations.has(partition) && !this.#opening.has(partition),
    );
    if (fresh.length > 0) void this.#open(fresh);
  }

  /** What cannot be opened now is assigned again with the next heartbeat. */
  async #open(partitions: readonly number[]): Promise<void> {
    const { clock } = this.#dependencies;
    const losses = this.#losses;
    for (const partition of partitions) this.#opening.add(partition);
    try {
      const startOffsets = await this.#member.startOffsets(partitions);
      if (this.#stop.signal.aborted || losses !== this.#losses) return;
      for (const [partition, startOffset] of startOffsets) {
        const feed = new PartitionFeed({
          partition,
          startOffset,
          options: this.#options,
          clock,
          commit: (nextOffset) => {
            this.#uncommitted.set(partition, nextOffset);
            this.#committing ??= this.#commitSoon();
          },
          fetchable: () => {
            this.#fetchWherePossible();
          },
        });
        this.#feeds.set(partition, feed);
      }
      this.#worksAny.abort();
      this.#fetchWherePossible();
    } catch (error) {
      this.#report(error);
    } finally {
      for (const partition of partitions) this.#opening.delete(partition);
    }
  }

  /** It is this member's until what was done is committed. */
  #revoke(partition: number): void {
    const feed = this.#feeds.get(partition);
    if (feed === undefined) return;
    this.#feeds.delete(partition);
    const revocation = feed
      .revoke()
      .then(() => this.#commit())
      .catch((error: unknown) => {
        this.#report(error);
      })
      .finally(() => {
        this.#uncommitted.delete(partition);
        this.#revocations.delete(partition);
        this.#member.tell();
      });
    this.#revocations.set(partition, revocation);
  }

  #fetchWherePossible(): void {
    for (const [partition, { fetchFrom }] of this.#feeds) {
      const leader = this.#layout?.leaders[partition];
      if (leader === undefined || fetchFrom === undefined || this.#stop.signal.aborted) continue;
      const key = keyOf(leader);
      if (this.#fetches.has(key)) continue;
      const fetch = this.#fetchFrom(leader).finally(() => {
        this.#fetches.delete(key);
        this.#fetchWherePossible();
      });
      this.#fetches.set(key, fetch);
    }
  }

  /** One fetch after the other, until there is nothing to fetch from this broker. */
  async #fetchFrom(leader: Broker): Promise<void> {
    const { fetching, clock, topic } = this.#dependencies;
    const { gatherMs = 0 } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      const wanted = new Map<number, number>();
      for (const [partition, { fetchFrom }] of this.#feeds) {
        const from = this.#layout?.leaders[partition];
        if (fetchFrom !== undefined && from !== undefined && keyOf(from) === keyOf(leader)) wanted.set(partition, fetchFrom);
      }
      if (wanted.size === 0 || signal.aborted) return;
      try {
        this.#take(await this.#fetch(leader, wanted));
        if (gatherMs > 0) await clock.sleep(gatherMs, signal).catch(() => undefined);
      } catch (error) {
        this.#report(error);
        await this.#skipWhatIsGone(error).catch(() => undefined);
        await clock.sleep(tryAgainAfterMs, signal).catch(() => undefined);
        this.#layout = await fetching.layout(topic).catch(() => this.#layout);
      }
    }
  }

  #fetch(leader: Broker, wanted: ReadonlyMap<number, number>): Promise<readonly Fetched[]> {
    const waitMs = wanted.size < this.#feeds.size ? shortWaitMs : fetchWaitMs;
    return fetchRecords(this.#dependencies.fetching, leader, { topicId: this.#layout?.id ?? '', wanted, waitMs });
  }

  #take(fetched: readonly Fetched[]): void {
    for (const { partition, from, records, nextOffset } of fetched) this.#feeds.get(partition)?.push(from, records, nextOffset);
  }

  /** Records that were not worked before they became too old are lost for this group. */
  async #skipWhatIsGone(error: unknown): Promise<void> {
    const gone = partitionsOutOfRange(error);
    if (gone.length === 0) return;
    const oldest = await this.#member.oldestOffsets(gone);
    for (const [partition, offset] of oldest) this.#feeds.get(partition)?.skipTo(offset);
  }

  async #commitSoon(): Promise<void> {
    const { signal } = this.#stop;
    await this.#dependencies.clock.sleep(commitEveryMs, signal).catch(() => undefined);
    await this.#commit().catch((error: unknown) => {
      this.#report(error);
    });
    this.#committing = undefined;
    // What Kafka did not take is tried again, with what came meanwhile.
    if (this.#uncommitted.size > 0 && !signal.aborted) this.#committing = this.#commitSoon();
  }

  async #commit(): Promise<void> {
    if (this.#uncommitted.size === 0) return;
    const committed = new Map(this.#uncommitted);
    await this.#member.commit(committed);
    for (const [partition, nextOffset] of committed) if (this.#uncommitted.get(partition) === nextOffset) this.#uncommitted.delete(partition);
  }

  /** While Kafka is away much fails; now and then is enough. */
  #report(error: unknown): void {
    const { clock, onFailed } = this.#dependencies;
    if (this.#stop.signal.aborted || clock.nowMs() - this.#reportedAtMs < reportEveryMs) return;
    this.#reportedAtMs = clock.nowMs();
    onFailed(error);
  }
}
