import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { v4, v7 } from 'uuid';

import { DomainError, type ErrorCode } from '../../protocol/errors.js';
import type { ConversationId, LinkId } from '../../protocol/ids.js';
import { linkStepTable } from '../../sdk/history/history-tables.js';
import { introduce, introductionTable, type IntroductionDependencies } from '../../sdk/linking/introduction.js';
import { outboxTable } from '../../sdk/messages/message-tables.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { SdkParty } from '../support/sdk-party.js';

const linkId = v4() as LinkId;
let phone: SdkParty;
let tablet: SdkParty;

beforeEach(async () => {
  phone = await SdkParty.create();
  tablet = await phone.sibling(2);
  await tablet.commit((unit) => unit.put(introductionTable, ['own'], { ...phone.address, linkId }));
});
afterEach(() => Promise.all([phone, tablet].map((party) => party.dispose())));

const listed = (kind: 'direct' | 'group' | 'channel') => ({ conversationId: v7() as ConversationId, kind, createdAtMs: 1, members: [] });

/** Of an account in these, of which the server refuses what is asked about groups and channels. */
async function introduced(items: readonly ReturnType<typeof listed>[], code: ErrorCode) {
  const directs: ConversationId[] = [];
  const refused = () => Promise.reject(new DomainError(code, 'refused'));
  const rest = { call: (operation: string) => (operation === 'listConversations' ? Promise.resolve({ items }) : refused()) };
  const done = introduce({
    ...{ store: tablet.store, signal: new SerialQueue(), onAsked: () => undefined },
    rest: rest as IntroductionDependencies['rest'],
    conversations: {
      roster: refused,
      directWith: (conversationId) => {
        directs.push(conversationId);
        return Promise.resolve();
      },
    },
  });
  await done;
  return directs;
}

test.each(['not_a_member', 'not_found', 'gone'] as const)(
  'a device that was just linked passes over what its account went from since it was listed (%s), and learns the rest',
  async (code) => {
    const items = [listed('channel'), listed('group'), listed('direct')];
    expect(await introduced(items, code)).toEqual([items[2]?.conversationId]);
    expect(tablet.store.get(introductionTable, 'own')).toBeUndefined();
    const asked = tablet.store.range(outboxTable, []).map(({ row }) => (row.kind === 'keys' ? row.note?.type : undefined));
    expect(asked).toEqual(['history-wanted']);
  },
);

test('a device of an account without conversations wants nothing of what was said before, and tells so', async () => {
  await introduced([], 'not_found');
  expect(tablet.store.range(linkStepTable, [])).toEqual([{ key: [linkId], row: 'nothing' }]);
  expect(tablet.store.range(outboxTable, [])).toEqual([]);
});

test('what the server refuses otherwise is asked again, and nothing is forgotten', async () => {
  await expect(introduced([listed('channel')], 'unavailable')).rejects.toMatchObject({ code: 'unavailable' });
  expect(tablet.store.get(introductionTable, 'own')).toEqual({ ...phone.address, linkId });
});
