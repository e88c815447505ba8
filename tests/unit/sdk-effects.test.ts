import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { AccountId, ConversationId, DeviceAddress, MessageId } from '../../protocol/ids.js';
import { isEffect, type Content } from '../../sdk/encryption/content.js';
import { unknownGroup, withAnswer } from '../../sdk/groups/group-changes.js';
import type { Message } from '../../sdk/index.js';
import { inChunks } from '../../sdk/in-chunks.js';
import { decideDeletions, keepContent, type Accepted } from '../../sdk/messages/keep-content.js';
import { MessageArchive } from '../../sdk/messages/message-archive.js';
import { contentKeyTable, conversationTable, messageTable, processedTable, undecidedTable } from '../../sdk/messages/message-tables.js';
import type { DeviceStore } from '../../sdk/store/device-store.js';
import { deviceNumber, newAccountId, newConversationId, newMessageId } from '../support/ids.js';
import { SdkParty } from '../support/sdk-party.js';

const [ann, bea, cleo] = [newAccountId(), newAccountId(), newAccountId()];
const options = ['one', 'two', 'three'];
const address = (accountId: AccountId): DeviceAddress => ({ accountId, deviceId: deviceNumber(1) });
let party: SdkParty;
let store: DeviceStore;
let archive: MessageArchive;

beforeAll(async () => {
  party = await SdkParty.create();
  store = party.store;
  archive = new MessageArchive(store, party.address);
});
afterAll(() => party.dispose());

/** Bea is an admin. */
async function newGroup(): Promise<ConversationId> {
  const conversationId = newConversationId();
  const roles = [
    [ann, 'owner'],
    [bea, 'admin'],
    [cleo, 'member'],
  ] as const;
  await party.commit((unit) => {
    unit.put(
      conversationTable,
      [conversationId],
      withAnswer(unknownGroup, {
        ...{ kind: 'group', version: 1 },
        members: roles.map(([accountId, role]) => ({ accountId, role })),
      }),
    );
  });
  return conversationId;
}

/** As the receiver keeps what it opened, some of it in one transaction. */
async function arrive(all: readonly Accepted[], together = 1): Promise<void> {
  for (const some of inChunks(all, together)) {
    await party.commit((unit) => {
      for (const accepted of some) {
        const { conversationId, sender } = accepted;
        const key = { key: Buffer.alloc(32), digest: Buffer.alloc(32), conversationId, author: sender.accountId };
        unit.put(contentKeyTable, [accepted.messageId], key);
        keepContent(unit, accepted, Date.now());
        unit.put(processedTable, [accepted.messageId], accepted.position);
      }
    });
  }
}

interface Plan {
  readonly sender: DeviceAddress;
  readonly target: number;
  readonly make: (messageId: MessageId) => Content;
}

const sender = fc
  .record({ accountId: fc.constantFrom(ann, bea, cleo), deviceId: fc.integer({ min: 1, max: 2 }).map(deviceNumber) })
  .map((address): DeviceAddress => address);
const said = fc.record({
  sender,
  content: fc.constantFrom<Content>(
    { type: 'text', text: 'hello' },
    { type: 'poll', question: 'Which?', options, choice: 'single' },
    { type: 'poll', question: 'Which ones?', options, choice: 'multiple' },
  ),
});
const effect: fc.Arbitrary<Plan> = fc.record({
  sender,
  target: fc.nat(3),
  make: fc.oneof(
    fc.string({ minLength: 1 }).map((text) => (messageId: MessageId): Content => ({ type: 'edit', messageId, text })),
    fc.constantFrom('👍', '❤️', '').map((emoji) => (messageId: MessageId): Content => ({ type: 'reaction', messageId, emoji })),
    fc.uniqueArray(fc.nat(4)).map((choices) => (messageId: MessageId): Content => ({ type: 'poll-vote', messageId, choices })),
    fc.constant((messageId: MessageId): Content => ({ type: 'delete', messageId })),
  ),
});

/** Straight from the rules, over everything in the order of the conversation. */
function expected(message: Accepted, all: readonly Accepted[]): Partial<Message> {
  const author = message.sender.accountId;
  const done = all.flatMap(({ content, sender: { accountId } }) =>
    isEffect(content) && content.messageId === message.messageId ? [{ ...content, accountId }] : [],
  );
  if (done.some(({ type, accountId }) => type === 'delete' && (accountId === author || accountId !== cleo))) return { content: { type: 'deleted' } };
  let { content } = message;
  const votes = new Map<AccountId, readonly number[]>();
  const reactions = new Map<AccountId, string>();
  for (const one of done) {
    if (one.type === 'edit' && content.type === 'text' && one.accountId === author) content = { ...content, text: one.text };
    if (one.type === 'reaction') reactions.set(one.accountId, one.emoji);
    if (one.type === 'poll-vote') votes.set(one.accountId, one.choices);
  }
  return { content: content as Message['content'], reactions: byEmoji(reactions), votes: byOption(content, votes) };
}

function byEmoji(reactions: ReadonlyMap<AccountId, string>): Message['reactions'] {
  const emoji = [...new Set(reactions.values())].filter((one) => one !== '');
  return emoji.map((one) => ({ emoji: one, accounts: [...reactions].flatMap(([account, its]) => (its === one ? [account] : [])) }));
}

function byOption(poll: Accepted['content'], votes: ReadonlyMap<AccountId, readonly number[]>): Message['votes'] {
  if (poll.type !== 'poll') return undefined;
  const counted = [...votes].filter(([, choices]) => Math.max(...choices) < options.length && (poll.choice === 'multiple' || choices.length < 2));
  return options.map((_, option) => counted.flatMap(([account, choices]) => (choices.includes(option) ? [account] : [])));
}

/** Without what depends on nothing but the order of equals. */
function compared({ content, reactions = [], votes }: Partial<Message>): unknown {
  const sorted = reactions.map(({ emoji, accounts }) => ({ emoji, accounts: accounts.toSorted() }));
  return { content, reactions: sorted.toSorted((one, other) => (one.emoji < other.emoji ? -1 : 1)), votes: votes?.map((of) => of.toSorted()) };
}

describe('what is done to messages', () => {
  test('has one outcome, in whatever order it comes and however much of it at once', async () => {
    const scenario = fc.record({ messages: fc.array(said, { minLength: 1, maxLength: 4 }), effects: fc.array(effect, { maxLength: 16 }) });
    await fc.assert(
      fc.asyncProperty(scenario, fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 5 }), async ({ messages, effects }, random, together) => {
        const ids = messages.map(newMessageId);
        const plans = [
          ...messages.map(({ sender: by, content }, index) => ({ by, content, messageId: ids[index] ?? newMessageId() })),
          // Some concern a message that nobody has.
          ...effects.map(({ sender: by, target, make }) => ({ by, content: make(ids[target] ?? newMessageId()), messageId: newMessageId() })),
        ];
        const outcomes: (readonly Message[])[] = [];
        let inOrder: readonly Accepted[] = [];
        for (const shuffle of [false, true]) {
          const conversationId = await newGroup();
          inOrder = plans.map(({ by, ...plan }, index) => ({ ...plan, conversationId, sender: by, position: index + 1, acceptedAtMs: index }));
          const keyed = inOrder.map((accepted) => ({ accepted, at: shuffle ? (random.next().value as number) : accepted.position }));
          await arrive(
            keyed.toSorted((one, other) => one.at - other.at).map(({ accepted }) => accepted),
            together,
          );
          outcomes.push(archive.messages(conversationId).map((message) => ({ ...message, conversationId: ids[0] as never })));
        }
        expect(outcomes[1]).toEqual(outcomes[0]);
        const wanted = inOrder.slice(0, messages.length).map((message) => compared(expected(message, inOrder)));
        expect(outcomes[0]?.map(compared)).toEqual(wanted);
      }),
      { numRuns: 150 },
    );
  });

  test('leaves nothing of a deleted text, whichever came first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), async (order) => {
        const conversationId = await newGroup();
        const base = { conversationId, sender: { accountId: cleo, deviceId: deviceNumber(1) }, acceptedAtMs: 1 };
        const text: Accepted = { ...base, messageId: newMessageId(), position: 1, content: { type: 'text', text: 'secret' } };
        const { messageId } = text;
        const done: readonly Content[] = [
          { type: 'edit', messageId, text: 'secret too' },
          { type: 'edit', messageId, text: 'and this' },
          { type: 'delete', messageId },
        ];
        const all = [text, ...done.map((content, index): Accepted => ({ ...base, messageId: newMessageId(), position: index + 2, content }))];
        await arrive(order.flatMap((index) => all[index] ?? []));
        expect(archive.messages(conversationId).map(({ content }) => content)).toEqual([{ type: 'deleted' }]);
        expect(store.get(messageTable, conversationId, 1)?.content).toEqual({ type: 'deleted' });
        const keys = all.filter(({ content }) => content.type !== 'delete').map(({ messageId: id }) => store.get(contentKeyTable, id));
        expect(keys).toEqual([undefined, undefined, undefined]);
      }),
    );
  });

  test('a deletion by somebody who was not known in the group counts when the roster shows an admin, and then alone', async () => {
    const outcomes = [];
    for (const role of ['admin', 'member'] as const) {
      const conversationId = newConversationId();
      await party.commit((unit) => unit.put(conversationTable, [conversationId], unknownGroup));
      const base = { conversationId, acceptedAtMs: Date.now(), ttlSeconds: 3_600 };
      const text: Accepted = { ...base, sender: address(ann), messageId: newMessageId(), position: 1, content: { type: 'text', text: 'hello' } };
      const deletion: Accepted = {
        ...base,
        sender: address(bea),
        messageId: newMessageId(),
        position: 2,
        content: { type: 'delete', messageId: text.messageId },
      };
      await arrive([deletion, text]);
      expect(archive.messages(conversationId)).toMatchObject([{ content: { type: 'text', text: 'hello' } }]);
      const changed = await party.commit((unit) => {
        unit.put(conversationTable, [conversationId], withAnswer(unknownGroup, { ...unknownGroup, version: 3, members: [{ accountId: bea, role }] }));
        return decideDeletions(unit, store, conversationId);
      });
      expect(changed).toMatchObject([{ position: 1 }]);
      outcomes.push(archive.messages(conversationId)[0]?.content.type, store.get(messageTable, conversationId, 1)?.content.type);
      expect(store.range(undecidedTable, [conversationId])).toEqual([]);
    }
    expect(outcomes).toEqual(['deleted', 'deleted', 'text', 'text']);
  });

  test('what tells of the conversation itself cannot be deleted', async () => {
    const conversationId = await newGroup();
    const base = { conversationId, sender: { accountId: ann, deviceId: deviceNumber(1) }, acceptedAtMs: 1 };
    const rule: Accepted = { ...base, messageId: newMessageId(), position: 1, content: { type: 'disappearing', seconds: 60 } };
    await arrive([rule, { ...base, messageId: newMessageId(), position: 2, content: { type: 'delete', messageId: rule.messageId } }]);
    expect(archive.messages(conversationId)).toMatchObject([{ content: { type: 'disappearing', seconds: 60 } }]);
  });

  test('the newest rule of a conversation holds, whichever came first', async () => {
    const conversationId = await newGroup();
    const base = { conversationId, sender: { accountId: ann, deviceId: deviceNumber(1) }, acceptedAtMs: 1 };
    const rule = (position: number, seconds?: number): Accepted => ({
      ...{ ...base, messageId: newMessageId(), position },
      content: { type: 'disappearing', seconds },
    });
    await arrive([rule(2, 60), rule(1, 30)]);
    expect(archive.disappearing(conversationId)).toBe(60);
    await arrive([rule(3)]);
    expect(archive.disappearing(conversationId)).toBeUndefined();
  });
});
