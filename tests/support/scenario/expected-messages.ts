import type { MemberRole } from '../../../protocol/conversation-event.js';
import type { Content } from '../../../sdk/index.js';
import type { Placed } from './place-said.js';
import type { Change, Changed, Shown } from './record.js';
import type { Name } from './script.js';

type Effect = Extract<Content, { readonly messageId: unknown }>;

interface Done {
  readonly entry: Placed;
  readonly effect: Effect;
  readonly account: Name;
  /** Whether the account was an admin, or the owner, at this place of the conversation. */
  readonly isAdmin: boolean;
}

export function isEffect(content: Content): content is Effect {
  return 'messageId' in content;
}

interface Seeing {
  /** Where nobody else writes than the owner and admins. */
  readonly isChannel: boolean;
  readonly accountOf: (device: Name) => Name;
  readonly sees: (entry: Placed) => boolean;
}

/** What a device shows of a conversation: messages in the order of the log, each after all that was done to it, as far as the device sees either. */
export function expectedMessages(entries: readonly Placed[], { isChannel, accountOf, sees }: Seeing): readonly Omit<Shown, 'state' | 'failure'>[] {
  const roles = new Map<Name, MemberRole>();
  const done: Done[] = [];
  const shown: Placed[] = [];
  for (const entry of entries) {
    if (entry.changed !== undefined) takeRoles(roles, entry.changed, accountOf);
    const account = accountOf(entry.device);
    if (!sees(entry)) continue;
    if (entry.said !== undefined && isEffect(entry.said.content)) {
      done.push({ entry, effect: entry.said.content, account, isAdmin: isChannel || ['admin', 'owner'].includes(roles.get(account) ?? '') });
    } else shown.push(entry);
  }
  return shown.map((entry) =>
    after(
      entry,
      done.filter(({ effect }) => effect.messageId === entry.messageId),
      accountOf(entry.device),
    ),
  );
}

/** The newest of each account counts. */
function after(entry: Placed, done: readonly Done[], author: Name): Omit<Shown, 'state' | 'failure'> {
  const { messageId, position, device, said, event, ttlSeconds } = entry;
  const message = { messageId: messageId as Shown['messageId'], position, device, ttlSeconds };
  if (event !== undefined) return { ...message, content: { type: 'event', event } };
  if (said === undefined) throw new Error('a row of the log is something that was said, or an event');
  const content = said.content as Shown['content'];
  if (content.type !== 'text') return { ...message, content };
  const deleted = done.some(({ effect, account, isAdmin }) => effect.type === 'delete' && (account === author || isAdmin));
  if (deleted) return { ...message, content: { type: 'deleted' } };
  const edit = done.findLast(({ effect, account }) => effect.type === 'edit' && account === author);
  const text = edit?.effect.type === 'edit' ? edit.effect.text : content.text;
  return { ...message, content: { ...content, text }, editedAtMs: edit?.entry.acceptedAtMs, reactions: reactionsOf(done) };
}

function reactionsOf(done: readonly Done[]): Shown['reactions'] {
  const newest = new Map<Name, string>();
  for (const { effect, account } of done) {
    if (effect.type !== 'reaction') continue;
    newest.delete(account);
    newest.set(account, effect.emoji);
  }
  const accounts = new Map<string, Name[]>();
  for (const [account, emoji] of newest) if (emoji !== '') accounts.set(emoji, [...(accounts.get(emoji) ?? []), account]);
  return accounts.size === 0 ? undefined : [...accounts].map(([emoji, by]) => ({ emoji, accounts: by }));
}

function takeRoles(roles: Map<Name, MemberRole>, { change, device }: Changed, accountOf: (device: Name) => Name): void {
  switch (change.type) {
    case 'created':
      for (const account of change.members) roles.set(account, account === accountOf(device) ? 'owner' : 'member');
      return;
    case 'members-added':
    case 'member-joined':
      for (const account of concernedBy(change)) roles.set(account, 'member');
      return;
    case 'member-removed':
    case 'member-left':
      roles.delete(change.member);
      return;
    case 'role-changed':
      if (change.role === 'owner') lowerOwner(roles);
      roles.set(change.member, change.role);
  }
}

function lowerOwner(roles: Map<Name, MemberRole>): void {
  for (const [account, role] of roles) if (role === 'owner') roles.set(account, 'admin');
}

/** Whom a change is about. */
export function concernedBy(change: Change): readonly Name[] {
  return 'members' in change ? change.members : [change.member];
}
