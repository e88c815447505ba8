import type { ConversationId, DeviceAddress } from '../../protocol/ids.js';
import type { ChannelView } from '../../protocol/rest/channel.js';
import { hasPresentKey, takeView } from '../channels/channel-rows.js';
import type { ConversationDirectory } from '../messages/conversation-directory.js';
import { conversationTable } from '../messages/message-tables.js';
import { putKeys } from '../messages/outbox-rows.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { table } from '../store/table.js';

export interface Introduction extends DeviceAddress {
  /** What was said before is not wanted. */
  readonly withoutHistory?: true | undefined;
}
/** Key: `own`. The device that answered this one's link, until this one knows the account's conversations. */
export const introductionTable = table<Introduction>('introduction');

export interface IntroductionDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  readonly conversations: ConversationDirectory;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** Something waits in the outbox now. */
  readonly onAsked: () => void;
}

/** A device that was just linked learns the account's conversations, and asks the device that linked it for the keys of groups and channels, and for what was said before. Does nothing for any other. Throws SdkError `offline`. */
export async function introduce(dependencies: IntroductionDependencies): Promise<void> {
  const { store, rest, conversations, onAsked } = dependencies;
  const introduction = store.get(introductionTable, 'own');
  if (introduction === undefined) return;
  const { withoutHistory, ...answeredBy } = introduction;
  let told: ConversationId | undefined;
  const groups: ConversationId[] = [];
  const channels: ChannelView[] = [];
  let after: ConversationId | undefined;
  do {
    const page = await rest.call('listConversations', { query: { limit: 100, ...(after === undefined ? {} : { after }) } });
    for (const { conversationId, kind, members } of page.items) {
      if (kind !== 'channel') told ??= conversationId;
      if (kind === 'channel') channels.push(await rest.call('getChannel', { params: { conversationId } }));
      else if (kind === 'group') {
        await conversations.roster(conversationId, { fresh: true });
        groups.push(conversationId);
      } else await conversations.directWith(conversationId, members);
    }
    after = page.next;
  } while (after !== undefined);
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
    if (told !== undefined && withoutHistory !== true) {
      putKeys(unit, { conversationId: told, to: answeredBy, note: { type: 'history-wanted', conversationId: told } });
    }
    unit.remove(introductionTable, 'own');
  });
  onAsked();
}
