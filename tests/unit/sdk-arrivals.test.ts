import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { directConversationId, type ConversationId, type Position } from '../../protocol/ids.js';
import { Arrivals } from '../../sdk/messages/arrivals.js';
import { keepContent } from '../../sdk/messages/keep-content.js';
import { MessageArchive } from '../../sdk/messages/message-archive.js';
import { untoldTable } from '../../sdk/messages/message-tables.js';
import type { Conversation } from '../../sdk/messages/message.js';
import { SdkError } from '../../sdk/sdk-error.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { eventually } from '../support/eventually.js';
import { newAccountId, newMessageId } from '../support/ids.js';
import { SdkParty } from '../support/sdk-party.js';

let party: SdkParty;
let isAway = false;

beforeEach(async () => {
  party = await SdkParty.create();
});
afterEach(() => party.dispose());

/** Stored, and not told yet. */
async function stored(conversationId: ConversationId, position: Position) {
  await party.commit((unit) => {
    const place = { conversationId, position, messageId: newMessageId(), sender: party.address, acceptedAtMs: position };
    keepContent(unit, { ...place, content: { type: 'text', text: `${position}` } }, 0);
    unit.put(untoldTable, [conversationId, position], true);
  });
  return { conversationId, position };
}

test('what is in a conversation that nobody can be asked about is held, and told in its order when the server can be asked, without holding up others', async () => {
  const [unknown, known] = [1, 2].map(() => directConversationId(party.address.accountId, newAccountId())) as [ConversationId, ConversationId];
  const told: [ConversationId, number | undefined][] = [];
  let held = 0;
  const ofIncoming = (conversationId: ConversationId) =>
    isAway && conversationId === unknown ? Promise.reject(new SdkError('offline', 'away')) : Promise.resolve({ conversationId } as Conversation);
  const arrivals = new Arrivals({
    ...{ store: party.store, own: party.address, archive: new MessageArchive(party.store, party.address), signal: new SerialQueue() },
    conversations: { ofIncoming },
    onMessage: ({ conversationId, position }) => Promise.resolve(void told.push([conversationId, position])),
    onHeld: () => void (held += 1),
    ...{ onChanged: () => undefined, onReceived: () => undefined, onNotStored: () => undefined, onNotTold: () => undefined },
  });
  isAway = true;
  arrivals.tell([await stored(unknown, 1), await stored(known, 2)], []);
  await eventually(() => expect([told, held]).toEqual([[[known, 2]], 1]));
  await expect(arrivals.tellHeld()).rejects.toMatchObject({ code: 'offline' });
  arrivals.tell([await stored(unknown, 3)], []);
  isAway = false;
  arrivals.tell([await stored(unknown, 4)], []);
  await arrivals.tellHeld();
  await eventually(() => expect(told.slice(1)).toEqual([1, 3, 4].map((position) => [unknown, position])));
  await eventually(() => expect(party.store.range(untoldTable, [])).toEqual([]));
  await arrivals.close();
});
