import { isChannelInvite } from '../../sdk/channels/invite-text.js';
import type { AccountId, ChannelConversation, Conversation, Device, MemberRole } from '../../sdk/index.js';
import { ChatRefusal } from './chat-refusal.js';

export const channelHelp = `  /channel TITLE       make a channel, where you write and up to 100,000 read, and post to it
                       in a channel /members, /remove, /admin, /member, /owner, /title, /invite, /endinvite, /join and /leave do what they do in a group
  /key                 make another key of this channel, and end its invite`;

const inviteLifetimeMs = 24 * 3_600_000;

export interface ChannelCommandsDependencies {
  readonly device: Device;
  /** The conversation that is open, if one is. */
  readonly open: Conversation | undefined;
  readonly talkTo: (channel: ChannelConversation) => Promise<void>;
  readonly print: (line: string) => void;
}

type Commands = Readonly<Record<string, () => Promise<void>>>;

/** What one types to make and change channels, by the command's name. In an open channel they take the place of those of groups. */
export function channelCommands(dependencies: ChannelCommandsDependencies, argument: string | undefined): Commands {
  const { device, open, talkTo } = dependencies;
  const join = async (): Promise<void> => talkTo(await device.channels.join(argument ?? ''));
  return {
    channel: async () => {
      if (argument === undefined) throw new ChatRefusal('say the title: /channel TITLE');
      await talkTo(await device.channels.create({ title: argument }));
    },
    key: () => {
      throw new ChatRefusal('open a channel first: /channel or /with #TITLE');
    },
    ...(open?.kind === 'channel' ? openChannelCommands(dependencies, open, argument) : {}),
    ...(argument !== undefined && isChannelInvite(argument) ? { join } : {}),
  };
}

function openChannelCommands(
  { device, print }: ChannelCommandsDependencies,
  { conversationId }: ChannelConversation,
  argument: string | undefined,
): Commands {
  const { channels } = device;
  const accountOf = async (usage: string): Promise<AccountId> => {
    if (argument === undefined) throw new ChatRefusal(`say whom: ${usage}`);
    return (await channels.memberCalled(conversationId, argument)).accountId;
  };
  const setRole = async (role: MemberRole, usage: string): Promise<void> => {
    await channels.setRole(conversationId, await accountOf(usage), role);
  };
  return {
    members: async () => {
      const { memberCount } = await channels.refresh(conversationId);
      const staff = await channels.staff(conversationId);
      const names = await Promise.all(staff.map(async ({ accountId, role }) => `${await device.handleOf(accountId)} (${role})`));
      print(`  ${memberCount} in all; ${names.join(', ')}`);
    },
    add: () => {
      throw new ChatRefusal('people join a channel by its invite: /invite');
    },
    remove: async () => {
      await channels.remove(conversationId, await accountOf('/remove HANDLE'));
    },
    admin: () => setRole('admin', '/admin HANDLE'),
    member: () => setRole('member', '/member HANDLE'),
    owner: () => setRole('owner', '/owner HANDLE'),
    title: async () => {
      if (argument === undefined) throw new ChatRefusal('say the title: /title TITLE');
      await channels.setTitle(conversationId, argument);
    },
    invite: async () => {
      print(`  /join ${await channels.makeInvite(conversationId, { lifetimeMs: inviteLifetimeMs })}`);
    },
    endinvite: () => channels.endInvite(conversationId),
    leave: () => channels.leave(conversationId),
    key: async () => {
      await channels.renewKey(conversationId);
    },
  };
}
