import { expect, test } from '@jest/globals';

import { createMemoryAnnouncements } from '../../adapters/memory/announcements.js';
import { createRosterCache } from '../../adapters/memory/roster-cache.js';
import type { Roster } from '../../core/roster.js';
import type { Conversations } from '../../ports/conversations.js';
import { newConversationId } from '../support/ids.js';

test('a roster that changes just while it is asked for is told as it is then', async () => {
  const conversationId = newConversationId();
  const announcements = createMemoryAnnouncements();
  const answers: ((roster: Roster | undefined) => void)[] = [];
  const conversations = { roster: () => new Promise<Roster | undefined>((resolve) => answers.push(resolve)) } as unknown as Conversations;
  const cache = createRosterCache(conversations, announcements, { maxConversations: 10, maxAgeMs: 30_000 });
  const of = (version: number): Roster => ({ conversationId, kind: 'direct', version, members: [], digest: '' });
  const asked = cache.roster(conversationId);
  await announcements.publish({ kind: 'roster-changed', conversationIds: [conversationId] });
  await new Promise(setImmediate);
  answers[0]?.(of(1));
  await new Promise(setImmediate);
  answers[1]?.(of(2));
  expect((await asked)?.version).toBe(2);
  const unknown = cache.roster(newConversationId());
  answers[2]?.(undefined);
  await new Promise(setImmediate);
  answers[3]?.(undefined);
  expect(await unknown).toBeUndefined();
  cache.close();
});
