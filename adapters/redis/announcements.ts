import { randomUUID } from 'node:crypto';

import type { Announcement, Announcements } from '../../ports/announcements.js';
import type { RedisConnection } from './redis-connection.js';

interface Envelope {
  readonly from: string;
  readonly announcement: Announcement;
}

export interface RedisAnnouncementsOptions {
  readonly connection: RedisConnection;
  /** A connection that does nothing else. */
  readonly subscriber: RedisConnection;
  /** Among the rooms of this process, which hear of their own announcements whether Redis is there or not. */
  readonly ofThisProcess: Announcements;
}

/** Carries announcements from process to process. */
export async function createRedisAnnouncements({ connection, subscriber, ofThisProcess }: RedisAnnouncementsOptions): Promise<Announcements> {
  const channel = connection.key('announcements');
  const self = randomUUID();
  subscriber.redis.on('message', (from: string, text: string) => {
    if (from !== channel) return;
    const envelope = parse(text);
    if (envelope !== undefined && envelope.from !== self) void ofThisProcess.publish(envelope.announcement);
  });
  await subscriber.run((redis) => redis.subscribe(channel));
  return {
    publish: async (announcement) => {
      await ofThisProcess.publish(announcement);
      const envelope: Envelope = { from: self, announcement };
      // Whoever misses it learns the change when its cache entry expires.
      await connection.run((redis) => redis.publish(channel, JSON.stringify(envelope))).catch(() => undefined);
    },
    subscribe: (listener) => ofThisProcess.subscribe(listener),
  };
}

/** `undefined` for what no process of ours said. */
function parse(text: string): Envelope | undefined {
  try {
    return JSON.parse(text) as Envelope;
  } catch {
    return undefined;
  }
}
