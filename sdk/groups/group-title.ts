import { randomBytes } from 'node:crypto';

import { DomainError } from '../../protocol/errors.js';
import type { ConversationId } from '../../protocol/ids.js';
import { openValue, sealValue } from '../store/value-seal.js';

const keyBytes = 32;
const maxTitleLength = 200;

/** What the members of a group share from its beginning on: it opens the title, nothing else. */
export function newGroupKey(): Uint8Array {
  return randomBytes(keyBytes);
}

/** Throws DomainError `invalid_request`. */
export function sealTitle(key: Uint8Array, conversationId: ConversationId, title: string): Uint8Array {
  if (title.length < 1 || title.length > maxTitleLength) {
    throw new DomainError('invalid_request', `title: 1 to ${maxTitleLength} characters`, { detail: { field: 'title', limit: maxTitleLength } });
  }
  return sealValue(key, labelOf(conversationId), Buffer.from(title));
}

/** `undefined` without the key, or if somebody sealed it with another one. */
export function openTitle(key: Uint8Array | undefined, conversationId: ConversationId, sealed: Uint8Array | undefined): string | undefined {
  if (key === undefined || sealed === undefined) return undefined;
  try {
    return openValue(key, labelOf(conversationId), sealed).toString('utf8');
  } catch {
    return undefined;
  }
}

function labelOf(conversationId: ConversationId): Uint8Array {
  return Buffer.from(`heliograph/title/v1|${conversationId}`);
}
