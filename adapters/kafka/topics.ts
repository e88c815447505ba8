import kafkajs, { type Admin, type ITopicMetadata } from 'kafkajs';

import type { Topic } from '../../ports/event-log.js';

const topics: readonly Topic[] = ['messages', 'receipts'];

export interface TopicOptions {
  /** Of each topic; fixed for the life of an epoch. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly maxAgeMs: Readonly<Record<Topic, number>>;
}

/** A topic is not what this configuration asks for. */
export class TopicError extends Error {
  override readonly name = 'TopicError';
}

/** Makes the topics that are missing and checks those that are there. Safe to run from many processes at once. Throws TopicError. */
export async function prepareTopics(admin: Admin, names: Readonly<Record<Topic, string>>, options: TopicOptions): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = topics.filter((topic) => !existing.has(names[topic]));
  if (missing.length > 0) {
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic: names[topic],
        numPartitions: options.partitions,
        replicationFactor: options.replicationFactor,
        configEntries: Object.entries(settingsOf(topic, options)).map(([name, value]) => ({ name, value })),
      })),
    });
  }
  const { topics: described } = await admin.fetchTopicMetadata({ topics: Object.values(names) });
  for (const topic of described) checkPartitions(topic, options);
  for (const topic of topics) await checkSettings(admin, names[topic], settingsOf(topic, options));
}

function settingsOf(topic: Topic, { replicationFactor, maxAgeMs }: TopicOptions): Readonly<Record<string, string>> {
  return {
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': String(maxAgeMs[topic]),
    'unclean.leader.election.enable': 'false',
    'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
    // The only copy: an acknowledged record is on the disk.
    ...(replicationFactor === 1 ? { 'flush.messages': '1' } : {}),
  };
}

function checkPartitions({ name, partitions }: ITopicMetadata, options: TopicOptions): void {
  if (partitions.length === options.partitions) return;
  throw new TopicError(
    `topic ${name} has ${partitions.length} partitions, ${options.partitions} were asked for: a topic keeps the number it was made with`,
  );
}

async function checkSettings(admin: Admin, name: string, wanted: Readonly<Record<string, string>>): Promise<void> {
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }] });
  const found = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
  for (const setting of ['message.timestamp.type', 'flush.messages']) {
    const value = wanted[setting];
    if (value !== undefined && found.get(setting) !== value) {
      throw new TopicError(`topic ${name} has ${setting}=${found.get(setting) ?? ''}, it must be ${value}`);
    }
  }
}
