import { apiVersionsV3, ConfigResourceTypes, consumerGroupHeartbeatV1, createTopicsV7, describeConfigsV4 } from '@platformatic/kafka';

import type { Clock } from '../../ports/clock.js';
import { topics, type Topic } from '../../ports/event-log.js';
import { DomainError } from '../../protocol/errors.js';
import { isAnswer, type ClusterClient } from './cluster-client.js';

const createTimeoutMs = 5_000;
const lookAgainAfterMs = 100;

export interface TopicOptions {
  /** Of each topic; fixed for the life of an epoch. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly maxAgeMs: Readonly<Record<Topic, number>>;
}

interface WantedTopic {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** A topic, or the cluster, is not what this configuration asks for. */
export class TopicError extends Error {
  override readonly name = 'TopicError';
}

/** Makes the topics that are missing and checks those that are there. Safe to run from many processes at once. Throws TopicError. */
export async function prepareTopics(
  client: ClusterClient,
  clock: Clock,
  names: Readonly<Record<Topic, string>>,
  options: TopicOptions,
): Promise<void> {
  await checkVersion(client);
  for (const topic of topics) {
    const wanted = { name: names[topic], settings: settingsOf(topic, options) };
    const { name } = wanted;
    const found = (await partitionsOf(client, name)) ?? (await createTopic(client, clock, wanted, options));
    if (found !== options.partitions) {
      throw new TopicError(`topic ${name} has ${found} partitions, ${options.partitions} were asked for: a topic keeps the number it was made with`);
    }
    await checkSettings(client, wanted);
  }
}

async function checkVersion(client: ClusterClient): Promise<void> {
  const { apiKeys } = await client.askAny(apiVersionsV3.api, 'heliograph', '1');
  const groups = apiKeys.find(({ apiKey }) => apiKey === consumerGroupHeartbeatV1.api.key);
  if (groups === undefined || groups.maxVersion < consumerGroupHeartbeatV1.api.version) {
    throw new TopicError('this Kafka has no consumer groups after KIP-848: version 4.0 or later is needed');
  }
}

async function createTopic(
  client: ClusterClient,
  clock: Clock,
  { name, settings }: WantedTopic,
  { partitions, replicationFactor }: TopicOptions,
): Promise<number> {
  const configs = Object.entries(settings).map(([setting, value]) => ({ name: setting, value }));
  const topic = { name, numPartitions: partitions, replicationFactor, assignments: [], configs };
  try {
    await client.askAny(createTopicsV7.api, [topic], createTimeoutMs, false);
  } catch (error) {
    // Another process made it.
    if (!isAnswer(error, 'TOPIC_ALREADY_EXISTS')) throw error;
  }
  const untilMs = clock.nowMs() + createTimeoutMs;
  for (;;) {
    const found = await partitionsOf(client, name).catch((error: unknown) => {
      if (!(error instanceof DomainError)) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (clock.nowMs() > untilMs)
      throw new DomainError('unavailable', `topic ${name} was made but is not led by any broker`, { retryAfterMs: createTimeoutMs });
    await clock.sleep(lookAgainAfterMs);
  }
}

/** `undefined`: there is no such topic. */
async function partitionsOf(client: ClusterClient, name: string): Promise<number | undefined> {
  try {
    return (await client.layout(name)).leaders.length;
  } catch (error) {
    if (isAnswer(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined;
    throw error;
  }
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

async function checkSettings(client: ClusterClient, { name, settings }: WantedTopic): Promise<void> {
  const { results } = await client.askAny(describeConfigsV4.api, [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: name }], false, false);
  const found = new Map(results[0]?.configs.map((config) => [config.name, config.value]));
  for (const setting of ['message.timestamp.type', 'flush.messages']) {
    const value = settings[setting];
    if (value !== undefined && found.get(setting) !== value) {
      throw new TopicError(`topic ${name} has ${setting}=${found.get(setting) ?? ''}, it must be ${value}`);
    }
  }
}
