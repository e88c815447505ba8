import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { encodeEvent, type ConversationEvent } from '../../protocol/conversation-event.js';
import { encodeEnvelopesWanted } from '../../protocol/envelopes-wanted.js';
import type { AccountId, ConversationId, DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { sealBody } from '../../sdk/encryption/body-seal.js';
import { encodeContent } from '../../sdk/encryption/content.js';
import { encryptTo } from '../../sdk/encryption/sessions.js';
import { encodeNote, type KeyNote } from '../../sdk/groups/key-note.js';
import { givenKeyTable, keyExchangesTable, outboxTable } from '../../sdk/messages/message-tables.js';
import { moveToConversation, putOutgoing } from '../../sdk/messages/outbox-rows.js';
import { receive } from '../../sdk/messages/receiver.js';
import { newMessageId } from '../support/ids.js';
import { SdkParty } from '../support/sdk-party.js';

let ann: SdkParty;
let bea: SdkParty;
let cleo: SdkParty;
let conversationId: ConversationId;
let position = 0;

beforeAll(async () => {
  [ann, bea, cleo] = [await SdkParty.create(), await SdkParty.create(), await SdkParty.create()];
  for (const other of [ann, cleo]) await bea.meet(other.bundle());
  for (const other of [ann]) await cleo.meet(other.bundle());
});
beforeEach(async () => {
  conversationId = v7() as ConversationId;
  await tell({ type: 'created', version: 1, members: [ann, bea].map(accountOf) });
});
afterAll(() => Promise.all([ann, bea, cleo].map((party) => party.dispose())));

const accountOf = ({ address }: SdkParty): AccountId => address.accountId;
const item = (more: Partial<DeliverItem>): DeliverItem => ({
  ...{ conversationId, position: ++position, messageId: newMessageId(), kind: 'keys', sender: ann.address, acceptedAtMs: 1 },
  ...more,
});
/** What Ann gets. */
const arrive = (more: Partial<DeliverItem>, nowMs = 0) => receive(ann.store, ann.address, [item(more)], nowMs);
const tell = (event: ConversationEvent) => arrive({ kind: 'event', body: encodeEvent(event) });

/** A message of Ann's, as it is after the server took it. */
async function annSaid(text: string) {
  const messageId = newMessageId();
  const content = { type: 'text', text } as const;
  const { body, key } = sealBody({ conversationId, messageId, sender: ann.address }, encodeContent({ content }));
  const row = { kind: 'message', messageId, conversationId, content, body, key, attempt: 1 } as const;
  const place = { position: ++position, acceptedAtMs: 1 };
  await ann.commit((unit) => {
    putOutgoing(unit, row);
    moveToConversation(unit, { number: 0, row }, ann.address, place);
  });
  return { messageId, position: place.position, key };
}

/** Notes that wait at Ann's for others, of this conversation. */
const given = () =>
  ann.store
    .range(outboxTable, [conversationId])
    .flatMap(({ row }) => (row.kind === 'keys' && row.note?.type === 'content-key' ? [{ to: row.to, ...row.note }] : []));

async function noteFrom(party: SdkParty, note: KeyNote) {
  const envelope = await party.commit((unit) => encryptTo(unit, party.address, ann.address, encodeNote(note)));
  return arrive({ sender: party.address, envelope });
}

const wanted = (of: { messageId: DeliverItem['messageId']; position: number }, ...devices: readonly DeviceAddress[]) =>
  arrive({
    kind: 'envelopes.wanted',
    envelope: { type: 0, content: encodeEnvelopesWanted({ messageId: of.messageId, position: of.position, devices: [...devices] }) },
  });

describe('the key of a message', () => {
  test('is given to devices that the server says missed it, if their accounts were in the group by then', async () => {
    const before = await annSaid('before Cleo');
    await tell({ type: 'members-added', version: 2, members: [accountOf(cleo)] });
    const after = await annSaid('after Cleo');
    const tablet = { ...bea.address, deviceId: 2 as DeviceAddress['deviceId'] };
    await wanted(before, cleo.address, tablet);
    const ofAfter = await wanted(after, cleo.address, ann.address);
    expect(given().map(({ to, messageId }) => [to, messageId])).toEqual([
      [tablet, before.messageId],
      [cleo.address, after.messageId],
    ]);
    expect(given()[1]?.key).toEqual(after.key);
    expect(ofAfter.answers).toBe(true);
  });

  test('is given to nobody who is not in the group, nor under another position or conversation', async () => {
    const said = await annSaid('hello');
    await wanted(said, cleo.address);
    await wanted({ ...said, position: said.position + 1 }, bea.address);
    conversationId = v7() as ConversationId;
    await tell({ type: 'created', version: 1, members: [ann, bea].map(accountOf) });
    await wanted(said, bea.address);
    await tell({ type: 'member-removed', version: 2, member: accountOf(bea) });
    await wanted(await annSaid('without Bea'), bea.address);
    expect(given()).toEqual([]);
  });

  test('is not given because somebody else says what the server says', async () => {
    const said = await annSaid('hello');
    const content = encodeEnvelopesWanted({ messageId: said.messageId, position: said.position, devices: [bea.address] });
    await arrive({ kind: 'envelopes.wanted', sender: bea.address, envelope: { type: 0, content } });
    await arrive({ kind: 'envelopes.wanted', envelope: { type: 0, content: Buffer.from('{"messageId":1}') } });
    await arrive({ kind: 'envelopes.wanted' });
    expect(given()).toEqual([]);
  });

  test('is given to whoever asks and may have it, so many times an hour', async () => {
    const said = await annSaid('hello');
    const ask = { type: 'content-key-wanted', conversationId, messageId: said.messageId, position: said.position } as const;
    expect((await noteFrom(bea, ask)).answers).toBe(true);
    await noteFrom(cleo, ask);
    expect(given().map(({ to }) => to)).toEqual([bea.address]);
    await ann.commit((unit) => {
      unit.put(keyExchangesTable, [`${accountOf(bea)}.1`], { sinceMs: 0, count: 200 });
    });
    await noteFrom(bea, ask);
    expect(given()).toHaveLength(1);
  });

  test('is kept when it comes, to open what history has', async () => {
    const note = {
      type: 'content-key',
      conversationId,
      messageId: newMessageId(),
      position: 7,
      key: Buffer.alloc(32, 1),
      digest: Buffer.alloc(32, 2),
    } as const;
    await ann.commit((unit) => {
      unit.remove(keyExchangesTable, `${accountOf(bea)}.1`);
    });
    expect((await noteFrom(bea, note)).keys).toBe(true);
    expect(ann.store.get(givenKeyTable, conversationId, 7)).toMatchObject({ messageId: note.messageId, from: accountOf(bea) });
    const elsewhere = v7() as ConversationId;
    await noteFrom(bea, { ...note, conversationId: elsewhere });
    expect(ann.store.get(givenKeyTable, elsewhere, 7)).toBeUndefined();
  });
});
