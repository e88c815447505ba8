import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { directConversationId, type ConversationId } from '../../protocol/ids.js';
import { newGroupKey, sealTitle } from '../../sdk/groups/group-title.js';
import { unknownGroup } from '../../sdk/groups/group-changes.js';
import { ConversationDirectory } from '../../sdk/messages/conversation-directory.js';
import { conversationTable, type ConversationRow } from '../../sdk/messages/message-tables.js';
import { RestClient } from '../../sdk/rest/rest-client.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { changeInTurn } from '../../sdk/store/change-in-turn.js';
import { DeviceStage } from '../support/device-stage.js';
import type { SdkParty } from '../support/sdk-party.js';

let stage: DeviceStage;
let party: SdkParty;
let signal: SerialQueue;
let conversations: ConversationDirectory;

beforeAll(async () => {
  stage = await DeviceStage.start();
  party = await stage.party();
  const { store, address: own } = party;
  signal = new SerialQueue();
  const rest = new RestClient(stage.server.url, () => Promise.resolve(`${own.accountId}.${own.deviceId}`));
  conversations = new ConversationDirectory({ store, own, rest, signal, onChanged: () => undefined });
});
afterAll(() => stage.end());

/** As a message that comes does it. */
const put = (conversationId: ConversationId, row: ConversationRow) =>
  changeInTurn({ store: party.store, signal }, (unit) => {
    unit.put(conversationTable, [conversationId], row);
  });

describe('an answer of the server that meets what a message says', () => {
  test('leaves a group the key that came meanwhile', async () => {
    const conversationId = v7() as ConversationId;
    const groupKey = newGroupKey();
    await put(conversationId, unknownGroup);
    const comes = put(conversationId, { ...unknownGroup, groupKey });
    const title = sealTitle(groupKey, conversationId, 'Friends');
    const shown = await conversations.groupIs({ conversationId, kind: 'group', createdAtMs: 0, version: 1, title, rosterDigest: '', members: [] });
    await comes;
    expect(shown.title).toBe('Friends');
    expect(party.store.get(conversationTable, conversationId)).toMatchObject({ groupKey, title });
  });

  test('does nothing to a group that changed meanwhile', async () => {
    const conversationId = v7() as ConversationId;
    const members = [{ accountId: party.address.accountId, role: 'owner' }] as const;
    const comes = put(conversationId, { ...unknownGroup, version: 2, members });
    await conversations.groupIs({ conversationId, kind: 'group', createdAtMs: 0, version: 1, rosterDigest: '', members: [] });
    await comes;
    expect(party.store.get(conversationTable, conversationId)).toMatchObject({ version: 2, members });
  });

  test('leaves a direct conversation that this account has opened meanwhile', async () => {
    const { accountId: peer } = (await stage.party()).address;
    const conversationId = directConversationId(party.address.accountId, peer);
    await put(conversationId, { peer });
    let opened: Promise<void> | undefined;
    stage.server.answerRest = (operation, body) => {
      if (operation === 'getAccount') opened = put(conversationId, { peer, opened: true });
      return body;
    };
    const { kind } = await conversations.ofIncoming(conversationId);
    await opened;
    expect(kind).toBe('direct');
    expect(party.store.get(conversationTable, conversationId)).toMatchObject({ peer, opened: true });
  });
});
