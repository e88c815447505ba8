import { createHash } from 'node:crypto';

import type { MessageRecord } from '../protocol/log-records.js';

/**
 * SHA-256 of what a send says: kind, conversation, body, media, ttl, and for `keys` (which have nothing else) the envelopes.
 * Envelopes of a message are left out: a retry may seal them anew for devices that the server named.
 */
export function contentDigest(record: Pick<MessageRecord, 'kind' | 'conversationId' | 'body' | 'media' | 'ttlSeconds' | 'envelopes'>): Uint8Array {
  const hash = createHash('sha256');
  hash.update(`${record.kind}\n${record.conversationId}\n${record.ttlSeconds ?? ''}\n${(record.media ?? []).join(',')}\n`);
  if (record.body !== undefined) hash.update(record.body);
  if (record.kind === 'keys') {
    for (const { to, content } of record.envelopes) hash.update(`${to.accountId}.${to.deviceId}:${content.byteLength}\n`).update(content);
  }
  return hash.digest();
}
