import { DomainError } from '../../protocol/errors.js';
import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { checkContent, isEffect, type Content, type EffectContent, type Said } from '../encryption/content.js';
import type { MessageArchive } from './message-archive.js';
import type { Message } from './message.js';
import { isChangeable, isVote } from './outcome.js';

/** How long a text can be edited; a rule of the author's device. */
const editWindowMs = 15 * 60_000;

export interface OutgoingRulesDependencies {
  readonly archive: MessageArchive;
  readonly own: DeviceAddress;
}

/**
 * What is sent of what somebody wants to say. A message stays as long as it is told to, or as the conversation's rule says; what is done to one goes with it.
 * Throws DomainError `invalid_request`, `not_found` (what it concerns is not here, or deleted), `forbidden`.
 */
export function outgoingOf(
  { archive, own }: OutgoingRulesDependencies,
  conversationId: ConversationId,
  { content: wanted, ttlSeconds }: Said<Content>,
): Said<Content> {
  const content = checkContent(wanted);
  if (!archive.mayWrite(conversationId)) throw new DomainError('forbidden', 'only the owner and the admins of a channel post in it');
  checkTtl(content, ttlSeconds);
  if (isSaid(content)) return { content, ttlSeconds: ttlSeconds ?? archive.disappearing(conversationId) };
  if (!isEffect(content)) return { content };
  const target = archive.message(conversationId, content.messageId);
  if (target === undefined || target.state === 'failed' || !isChangeable(target.content)) {
    throw new DomainError('not_found', 'messageId: there is no such message here', { detail: { field: 'messageId' } });
  }
  const isOwn = target.sender.accountId === own.accountId;
  const mayChange = isOwn || (content.type === 'delete' ? archive.isAdmin(conversationId) : content.type !== 'edit');
  if (!mayChange) throw new DomainError('forbidden', 'messageId: somebody else wrote it', { detail: { field: 'messageId' } });
  checkFits(content, target);
  return { content, ttlSeconds: secondsLeft(target) };
}

function checkTtl(content: Content, ttlSeconds: number | undefined): void {
  if (ttlSeconds === undefined) return;
  if (!isSaid(content)) throw invalid('ttlSeconds', 'of texts, polls and files only');
  const isTtl = Number.isInteger(ttlSeconds) && ttlSeconds >= 1 && ttlSeconds <= limits.maxTtlSeconds;
  if (!isTtl) throw invalid('ttlSeconds', `a whole number, 1 to ${limits.maxTtlSeconds}`, limits.maxTtlSeconds);
}

function isSaid({ type }: Content): boolean {
  return type === 'text' || type === 'poll' || type === 'file';
}

function checkFits(content: EffectContent, { content: target, acceptedAtMs = Date.now() }: Message): void {
  if (content.type === 'edit') {
    if (target.type !== 'text') throw invalid('messageId', 'must be of a text');
    if (Date.now() - acceptedAtMs > editWindowMs)
      throw invalid('messageId', `a text can be edited for ${editWindowMs / 60_000} minutes`, editWindowMs);
  }
  if (content.type === 'poll-vote') {
    if (target.type !== 'poll') throw invalid('messageId', 'must be of a poll');
    if (!isVote(target, content.choices)) {
      throw invalid(
        'choices',
        `${target.choice === 'single' ? 'one' : 'any'} of the ${target.options.length} options, from 0`,
        target.options.length,
      );
    }
  }
}

function secondsLeft({ ttlSeconds, acceptedAtMs = Date.now() }: Message): number | undefined {
  return ttlSeconds === undefined ? undefined : Math.max(1, ttlSeconds - Math.floor((Date.now() - acceptedAtMs) / 1_000));
}

function invalid(field: string, rule: string, limit?: number): DomainError {
  return new DomainError('invalid_request', `${field}: ${rule}`, { detail: { field, ...(limit === undefined ? {} : { limit }) } });
}
