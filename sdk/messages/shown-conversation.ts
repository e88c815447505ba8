import type { ConversationId } from '../../protocol/ids.js';
import { openTitle } from '../groups/group-title.js';
import { channelKeyTable } from '../channels/channel-tables.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { ChannelConversation, Conversation, DirectConversation, GroupConversation } from './message.js';
import type { ChannelRow, ConversationRow, DirectRow, GroupRow } from './message-tables.js';

/** A conversation as the app sees it. */
export function shownConversation(rows: Pick<UnitOfWork, 'get'>, conversationId: ConversationId, row: ConversationRow): Conversation {
  if (row.kind === 'channel') return shownChannel(rows, conversationId, row);
  if (row.kind === 'group') return shownGroup(conversationId, row);
  return shownDirect(conversationId, row);
}

export function shownDirect(conversationId: ConversationId, { peer, handle }: DirectRow): DirectConversation {
  return { kind: 'direct', conversationId, peer: { accountId: peer, handle } };
}

export function shownGroup(conversationId: ConversationId, { members, groupKey, title }: GroupRow): GroupConversation {
  return { kind: 'group', conversationId, title: openTitle(groupKey, conversationId, title), members };
}

export function shownChannel(rows: Pick<UnitOfWork, 'get'>, conversationId: ConversationId, row: ChannelRow): ChannelConversation {
  const { role, memberCount, waitsForKey = false } = row;
  return { kind: 'channel', conversationId, title: channelTitle(rows, conversationId, row), role, memberCount, waitsForKey };
}

/** It was sealed under the key that was the newest then. */
function channelTitle(rows: Pick<UnitOfWork, 'get'>, conversationId: ConversationId, { title, keyEpoch = 0 }: ChannelRow): string | undefined {
  for (let epoch = keyEpoch; epoch > 0; epoch -= 1) {
    const opened = openTitle(rows.get(channelKeyTable, conversationId, epoch), conversationId, title);
    if (opened !== undefined) return opened;
  }
  return undefined;
}
