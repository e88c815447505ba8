import { DomainError } from '../../protocol/errors.js';
import type { ConversationId, DeviceAddress, LinkId } from '../../protocol/ids.js';
import type { ChannelView } from '../../protocol/rest/channel.js';
import { hasPresentKey, takeView } from '../channels/channel-rows.js';
import type { ConversationDirectory } from '../messages/conversation-directory.js';
import { linkStepTable } from '../history/history-tables.js';
import { conversationTable } from '../messages/message-tables.js';
import { putKeys } from '../messages/outbox-rows.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { table } from '../store/table.js';

export interface Introduction extends DeviceAddress {
  readonly linkId: LinkId;
  /** What was said before is not wanted. */
  readonly withoutHistory?: true | undefined;
}
/** Key: `own`. The device that answered this one's link, until this one knows the account's conversations. */
export const introductionTable = table<Introduction>('introduction');

export interface IntroductionDependencies {
  readonly store: DeviceStore;
  readonly rest: Pick<RestClient, 'call'>;
  readonly conversations: Pick<ConversationDirectory, 'roster' | 'directWith'>;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** Something waits in the outbox now. */
  readonly onAsked: () => void;
}

/** A device that was just linked learns the account's conversations, and asks the device that linked it for the keys of groups and channels, and for what was said before. Does nothing for any other. Throws SdkError `offline`. */
export async function introduce(dependencies: IntroductionDependencies): Promise<void> {
  const { store, onAsked } = dependencies;
  const introduction = store.get(introductionTable, 'own');
  if (introduction === undefined) return;
  const { withoutHistory, linkId, ...answeredBy } = introduction;
  const { directs, groups, channels } = await present(dependencies);
  const [told] = [...directs, ...groups];
  await changeInTurn(dependencies, (unit) => {
    for (const conversationId of groups) {
      const row = unit.get(conversationTable, conversationId);
      if (row?.kind !== 'group' || row.groupKey !== undefined) continue;
      putKeys(unit, { conversationId, to: answeredBy, note: { type: 'sender-key-wanted', conversationId } });
    }
    for (const view of channels) {
      const { conversationId } = view;
      if (hasPresentKey(takeView(unit, view))) continue;
      putKeys(unit, { conversationId, to: answeredBy, note: { type: 'channel-key-wanted', conversationId } });
    }
    if (withoutHistory !== true) {
      if (told === undefined) unit.put(linkStepTable, [linkId], 'nothing');
      else putKeys(unit, { conversationId: told, to: answeredBy, note: { type: 'history-wanted', conversationId: told, linkId } });
    }
    unit.remove(introductionTable, 'own');
  });
  onAsked();
}

interface Present {
  readonly directs: ConversationId[];
  readonly groups: ConversationId[];
  readonly channels: ChannelView[];
}

/** The conversations that the account is in; what it goes from meanwhile is passed over. */
async function present({ rest, conversations }: IntroductionDependencies): Promise<Present> {
  const found: Present = { directs: [], groups: [], channels: [] };
  let after: ConversationId | undefined;
  do {
    const page = await rest.call('listConversations', { query: { limit: 100, ...(after === undefined ? {} : { after }) } });
    for (const { conversationId, kind, members } of page.items) {
      if (kind === 'channel') {
        const view = await unlessGone(rest.call('getChannel', { params: { conversationId } }));
        if (view !== undefined) found.channels.push(view);
      } else if (kind === 'group') {
        if ((await unlessGone(conversations.roster(conversationId, { fresh: true }))) !== undefined) found.groups.push(conversationId);
      } else {
        await conversations.directWith(conversationId, members);
        found.directs.push(conversationId);
      }
    }
    after = page.next;
  } while (after !== undefined);
  return found;
}

async function unlessGone<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DomainError && (error.code === 'not_a_member' || error.code === 'not_found' || error.code === 'gone')) return undefined;
    throw error;
  }
}
