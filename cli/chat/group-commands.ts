import type { AccountId, Device, GroupConversation, MemberRole } from '../../sdk/index.js';
import { ChatRefusal } from './chat-refusal.js';

export const groupHelp = `  /group TITLE HANDLE  make a group with these people, and talk to it; a title of several words: /group TITLE | HANDLE ...
  /members             who is in this group
  /add HANDLE          add people to this group
  /remove HANDLE       remove somebody
  /admin HANDLE        make somebody an admin; /member: a member again; /owner: hand the group over
  /title TITLE         change the title
  /invite              a text that lets anybody in who has it, for a day; /endinvite: it does no more
  /join INVITE         join the group of an invite
  /leave               leave this group`;

const inviteLifetimeMs = 24 * 3_600_000;

export interface GroupCommandsDependencies {
  readonly device: Device;
  /** The group that is open. Throws ChatRefusal if none is. */
  readonly open: () => GroupConversation;
  readonly talkTo: (group: GroupConversation) => Promise<void>;
  readonly print: (line: string) => void;
}

/** What one types to make and change groups, by the command's name. */
export function groupCommands(
  { device, open, talkTo, print }: GroupCommandsDependencies,
  argument: string | undefined,
): Readonly<Record<string, () => Promise<void>>> {
  const words = argument?.split(/\s+/) ?? [];
  const needed = (what: string): string => {
    if (argument === undefined) throw new ChatRefusal(`say ${what}`);
    return argument;
  };
  const memberCalled = async (handle: string): Promise<AccountId> => {
    for (const { accountId } of open().members) if ((await device.handleOf(accountId)) === handle) return accountId;
    throw new ChatRefusal(`nobody in this group is called ${handle}`);
  };
  const setRole = async (role: MemberRole, usage: string): Promise<void> => {
    await device.groups.setRole(open().conversationId, await memberCalled(needed(`whom: ${usage}`)), role);
  };
  return {
    group: async () => {
      const { title, members } = newGroupOf(argument);
      if (title === '' || members.length === 0) throw new ChatRefusal('say a title and who is to be in it: /group TITLE HANDLE ...');
      await talkTo(await device.groups.create({ title, members }));
    },
    members: async () => {
      const names = open().members.map(async ({ accountId, role }) => `${await device.handleOf(accountId)}${role === 'member' ? '' : ` (${role})`}`);
      print(`  ${(await Promise.all(names)).join(', ')}`);
    },
    add: async () => {
      needed('whom: /add HANDLE');
      await device.groups.add(open().conversationId, words);
    },
    remove: async () => {
      await device.groups.remove(open().conversationId, await memberCalled(needed('whom: /remove HANDLE')));
    },
    admin: () => setRole('admin', '/admin HANDLE'),
    member: () => setRole('member', '/member HANDLE'),
    owner: () => setRole('owner', '/owner HANDLE'),
    title: async () => {
      await device.groups.setTitle(open().conversationId, needed('the title: /title TITLE'));
    },
    invite: async () => {
      print(`  /join ${await device.groups.makeInvite(open().conversationId, { lifetimeMs: inviteLifetimeMs })}`);
    },
    endinvite: () => device.groups.endInvite(open().conversationId),
    join: async () => {
      await talkTo(await device.groups.join(needed('which: /join INVITE')));
    },
    leave: () => device.groups.leave(open().conversationId),
  };
}

/** `TITLE HANDLE ...`, or with a bar behind a title of several words. */
function newGroupOf(argument = ''): { readonly title: string; readonly members: readonly string[] } {
  const [title = '', handles] = argument.split('|', 2);
  const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
  if (handles !== undefined) return { title: title.trim(), members: words(handles) };
  const [first = '', ...members] = words(argument);
  return { title: first, members };
}
