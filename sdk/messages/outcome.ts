import type { AccountId, DeviceAddress, Position } from '../../protocol/ids.js';
import type { EffectContent } from '../encryption/content.js';
import type { Reaction, ShownContent } from './message.js';

/** Something that an account did to a message. Devices of one account count as one. */
export interface Effect {
  readonly accountId: AccountId;
  /** Missing while it is on its way: it counts as the newest. */
  readonly position?: Position | undefined;
  readonly acceptedAtMs: number;
  readonly content: EffectContent;
  /** Of a deletion: by somebody who might delete what others wrote, when it was accepted. */
  readonly byAdmin?: boolean | undefined;
}

const newest = Number.MAX_SAFE_INTEGER;

/** What became of a message. */
export interface Outcome {
  readonly content: ShownContent;
  readonly editedAtMs?: number | undefined;
  readonly reactions?: readonly Reaction[] | undefined;
  readonly votes?: readonly (readonly AccountId[])[] | undefined;
}

/** Of effects on one message with the same slot only the newest counts. */
export function slotOf({ content, accountId, byAdmin }: Effect): string {
  return byAdmin === true ? 'deleted-by-admin' : `${content.type}/${accountId}`;
}

export const editSlot = (author: AccountId) => `edit/${author}`;

/** The slots of which one has to be there for a message to be deleted. */
export function deletionSlots(author: AccountId): readonly string[] {
  return ['deleted-by-admin', `delete/${author}`];
}

/** What is told about the conversation itself is nobody's to change, and what is deleted stays so. */
export function isChangeable({ type }: ShownContent): boolean {
  return type !== 'event' && type !== 'disappearing' && type !== 'deleted';
}

/** `effects`: at most one of each slot, in any order. What does not fit (somebody else's edit, a vote for no option) does nothing. */
export function outcomeOf(
  { sender, content }: { readonly sender: DeviceAddress; readonly content: ShownContent },
  effects: readonly Effect[],
): Outcome {
  if (!isChangeable(content)) return { content };
  const deletions = deletionSlots(sender.accountId);
  if (effects.some((effect) => deletions.includes(slotOf(effect)))) return { content: { type: 'deleted' } };
  const inOrder = effects.toSorted((one, other) => (one.position ?? newest) - (other.position ?? newest));
  return {
    ...edited(
      content,
      inOrder.find((effect) => slotOf(effect) === editSlot(sender.accountId)),
    ),
    reactions: reactionsOf(inOrder),
    votes: votesOf(content, inOrder),
  };
}

function edited(content: ShownContent, edit: Effect | undefined): Pick<Outcome, 'content' | 'editedAtMs'> {
  if (content.type !== 'text' || edit?.content.type !== 'edit') return { content };
  return { content: { ...content, text: edit.content.text }, editedAtMs: edit.acceptedAtMs };
}

function reactionsOf(effects: readonly Effect[]): readonly Reaction[] | undefined {
  const accounts = new Map<string, AccountId[]>();
  for (const { content, accountId } of effects) {
    if (content.type !== 'reaction' || content.emoji === '') continue;
    accounts.set(content.emoji, [...(accounts.get(content.emoji) ?? []), accountId]);
  }
  return accounts.size === 0 ? undefined : [...accounts].map(([emoji, by]) => ({ emoji, accounts: by }));
}

function votesOf(poll: ShownContent, effects: readonly Effect[]): Outcome['votes'] {
  if (poll.type !== 'poll') return undefined;
  const votes = effects.flatMap(({ content, accountId }) => (content.type === 'poll-vote' ? [{ accountId, choices: content.choices }] : []));
  const valid = votes.filter(({ choices }) => isVote(poll, choices));
  return poll.options.map((_, option) => valid.filter(({ choices }) => choices.includes(option)).map(({ accountId }) => accountId));
}

/** Whether a poll may be answered so. */
export function isVote({ options, choice }: Extract<ShownContent, { type: 'poll' }>, choices: readonly number[]): boolean {
  return choices.every((option) => option < options.length) && (choice === 'multiple' || choices.length <= 1);
}
