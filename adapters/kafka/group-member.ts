import { randomUUID } from 'node:crypto';

import { consumerGroupHeartbeatV1, ListOffsetTimestamps, offsetCommitV9, type API } from '@platformatic/kafka';

import type { Clock } from '../../ports/clock.js';
import { isAnswer, type ClusterClient } from './cluster-client.js';
import { committedOffsets, logOffsets } from './offsets.js';

/** How long Kafka waits for a partition that is to move to be given up. */
const rebalanceTimeoutMs = 10_000;
const groupsKnownWithinMs = 30_000;
const notYet = ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR'];
const tryAgainAfterMs = 200;
const joiningEpoch = 0;
const leavingEpoch = -1;
/** Without an answer for so many heartbeats Kafka may have given the partitions to others: it does so after ten, unless it was set otherwise. */
const heartbeatsUntilLost = 8;

export interface GroupMemberDependencies {
  readonly client: ClusterClient;
  readonly clock: Clock;
  /** Names of the topic and the group in Kafka. */
  readonly topic: string;
  readonly groupId: string;
  /** What is worked here, and what is being given up but not yet done. */
  readonly owned: () => readonly number[];
  /** The partitions Kafka wants to be worked here: others are to be given up, and then `tell` called. */
  readonly assigned: (partitions: readonly number[]) => void;
  /** The partitions are somebody else's now; resolves when none is worked here any more. */
  readonly lost: () => Promise<void>;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Membership in a consumer group (KIP-848). Kafka decides who works what and tells it with each heartbeat; a partition goes to another member when this one has told that it gave it up,
 * so no two work it at a time. Who is not heard for the session time-out has lost its partitions, and stops working them before.
 */
export class GroupMember {
  readonly #dependencies: GroupMemberDependencies;
  readonly #memberId = randomUUID();
  #epoch = joiningEpoch;
  #intervalMs = 500;
  #answeredAtMs = 0;
  #pause = new AbortController();
  #beating: Promise<void> | undefined;
  #left = false;

  constructor(dependencies: GroupMemberDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves when Kafka took it in. A cluster that is new, or just came back, needs a moment until it knows its groups. */
  async join(): Promise<void> {
    const { clock } = this.#dependencies;
    const untilMs = clock.nowMs() + groupsKnownWithinMs;
    for (let joined = false; !joined;) {
      try {
        await this.#beat();
        joined = true;
      } catch (error) {
        if (!isAnswer(error, ...notYet) || clock.nowMs() >= untilMs) throw error;
        await clock.sleep(tryAgainAfterMs);
      }
    }
    this.#beating = this.#goOnBeating();
  }

  /** What is owned has changed. */
  tell(): void {
    this.#pause.abort();
  }

  /** Where work goes on: behind what the group committed, or at the oldest record there is. */
  async startOffsets(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { client, topic, groupId } = this.#dependencies;
    const committed = await committedOffsets(client, { groupId, memberId: this.#memberId, memberEpoch: this.#epoch }, topic, partitions);
    const others = partitions.filter((partition) => !committed.has(partition));
    return others.length === 0 ? committed : new Map([...committed, ...(await this.oldestOffsets(others))]);
  }

  oldestOffsets(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { client, topic } = this.#dependencies;
    return logOffsets(client, topic, partitions, ListOffsetTimestamps.EARLIEST);
  }

  /** Rejects if Kafka did not take them, because it is away or this member is not what it was. */
  async commit(nextOffsets: ReadonlyMap<number, number>): Promise<void> {
    const partitions = [...nextOffsets].map(([partitionIndex, nextOffset]) => ({
      partitionIndex,
      committedOffset: BigInt(nextOffset),
      committedLeaderEpoch: -1,
      committedMetadata: null,
    }));
    const { groupId, topic } = this.#dependencies;
    await this.#askCoordinator(offsetCommitV9.api, groupId, this.#epoch, this.#memberId, null, [{ name: topic, partitions }]);
  }

  async leave(): Promise<void> {
    this.#left = true;
    this.#pause.abort();
    await this.#beating;
    await this.#heartbeat(leavingEpoch).catch(() => undefined);
  }

  async #goOnBeating(): Promise<void> {
    for (;;) {
      // At the same moment as the other groups of this process, which then wakes once for all of them.
      const pauseMs = this.#intervalMs - (this.#dependencies.clock.nowMs() % this.#intervalMs);
      await this.#dependencies.clock.sleep(pauseMs, this.#pause.signal).catch(() => undefined);
      this.#pause = new AbortController();
      if (this.#left) return;
      try {
        await this.#beat();
      } catch (error) {
        await this.#judge(error);
      }
    }
  }

  async #beat(): Promise<void> {
    const { clock, assigned } = this.#dependencies;
    const askedAtMs = clock.nowMs();
    const { memberEpoch, heartbeatIntervalMs, assignment } = await this.#heartbeat(this.#epoch);
    this.#epoch = memberEpoch;
    this.#intervalMs = heartbeatIntervalMs;
    this.#answeredAtMs = askedAtMs;
    if (assignment !== null) assigned(assignment.topicPartitions.flatMap(({ partitions }) => partitions));
  }

  async #judge(error: unknown): Promise<void> {
    const { clock, lost, onFailed } = this.#dependencies;
    onFailed(error);
    const forgotten = isAnswer(error, 'FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID');
    if (!forgotten && clock.nowMs() - this.#answeredAtMs < heartbeatsUntilLost * this.#intervalMs) return;
    await lost();
    if (!forgotten) return;
    this.#epoch = joiningEpoch;
    this.#pause.abort();
  }

  /** Says everything each time, so that Kafka answers with the whole assignment. */
  async #heartbeat(epoch: number) {
    const { client, groupId, topic, owned } = this.#dependencies;
    const { id: topicId } = await client.layout(topic);
    const partitions = epoch > joiningEpoch ? [...owned()] : [];
    const topicPartitions = partitions.length > 0 ? [{ topicId, partitions }] : [];
    return this.#askCoordinator(
      consumerGroupHeartbeatV1.api,
      groupId,
      this.#memberId,
      epoch,
      null,
      null,
      rebalanceTimeoutMs,
      [topic],
      null,
      null,
      topicPartitions,
    );
  }

  async #askCoordinator<Request extends unknown[], Answer>(api: API<Request, Answer>, ...request: Request): Promise<Answer> {
    const { client, groupId } = this.#dependencies;
    return client.ask(await client.coordinator(groupId), api, ...request);
  }
}
