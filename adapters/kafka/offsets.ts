import { listOffsetsV9, offsetFetchV9 } from '@platformatic/kafka';

import { groupBy } from '../../core/group-by.js';
import { keyOf, leaderOf, type ClusterClient } from './cluster-client.js';

/** `memberEpoch` -1 with no member: who only looks. */
export interface Asker {
  readonly groupId: string;
  readonly memberId: string | null;
  readonly memberEpoch: number;
}

export const onlyLooks = { memberId: null, memberEpoch: -1 } as const;

/** Of each partition the offset that Kafka has for a time: ListOffsetTimestamps. */
export async function logOffsets(
  client: ClusterClient,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<ReadonlyMap<number, number>> {
  const layout = await client.layout(topic);
  const led = partitions.map((partition) => ({ partition, leader: leaderOf(layout, partition) }));
  const answers = await Promise.all(
    [...groupBy(led, ({ leader }) => keyOf(leader)).values()].map((ofLeader) => {
      const asked = ofLeader.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }));
      return client.ask(ofLeader[0].leader, listOffsetsV9.api, -1, 0, [{ name: topic, partitions: asked }]);
    }),
  );
  const found = answers.flatMap(({ topics }) => topics).flatMap((of) => of.partitions);
  return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
}

/** Of the partitions of which the group has committed anything. */
export async function committedOffsets(
  client: ClusterClient,
  asker: Asker,
  topic: string,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const asked = { ...asker, topics: [{ name: topic, partitionIndexes: [...partitions] }] };
  const { groups } = await client.ask(await client.coordinator(asker.groupId), offsetFetchV9.api, [asked], asker.memberId !== null);
  const found = groups.flatMap(({ topics }) => topics).flatMap((of) => of.partitions);
  const committed = found.filter(({ committedOffset }) => committedOffset >= 0);
  return new Map(committed.map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]));
}
