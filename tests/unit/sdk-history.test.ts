import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { v4 } from 'uuid';

import { DomainError } from '../../protocol/errors.js';
import { deviceKey, directConversationId, type BlobId, type ConversationId, type LinkId, type Position } from '../../protocol/ids.js';
import { packArchive, unpackArchive } from '../../sdk/history/history-archive.js';
import { historyRows, keepHistoryRow } from '../../sdk/history/history-rows.js';
import { historyOfferTable, historyWantedTable } from '../../sdk/history/history-tables.js';
import { HistoryTransfer, type HistoryTransferDependencies } from '../../sdk/history/history-transfer.js';
import type { Content } from '../../sdk/encryption/content.js';
import { keepContent } from '../../sdk/messages/keep-content.js';
import { MessageArchive } from '../../sdk/messages/message-archive.js';
import { contentKeyTable, conversationTable, lackedKeyTable, messageTable, outboxTable, processedTable } from '../../sdk/messages/message-tables.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { newAccountId, newMessageId } from '../support/ids.js';
import { SdkParty } from '../support/sdk-party.js';

const nowMs = Date.now();
const key = { key: Buffer.alloc(32, 1), digest: Buffer.alloc(32, 2) };
let phone: SdkParty;
let tablet: SdkParty;
let conversationId: ConversationId;

beforeEach(async () => {
  phone = await SdkParty.create();
  tablet = await phone.sibling(2);
  conversationId = await met();
});
afterEach(() => Promise.all([phone, tablet].map((party) => party.dispose())));

/** Both devices know the conversation. */
async function met(): Promise<ConversationId> {
  const peer = newAccountId();
  const id = directConversationId(phone.address.accountId, peer);
  for (const party of [phone, tablet]) await party.commit((unit) => unit.put(conversationTable, [id], { peer }));
  return id;
}

/** As the device got it. */
async function said(
  party: SdkParty,
  position: Position,
  content: Content,
  more: { readonly in?: ConversationId; readonly ttlSeconds?: number } = {},
) {
  const messageId = newMessageId();
  const { in: id = conversationId, ttlSeconds } = more;
  await party.commit((unit) => {
    unit.put(contentKeyTable, [messageId], { ...key, conversationId: id, author: phone.address.accountId });
    const place = { conversationId: id, messageId, position, acceptedAtMs: nowMs + position };
    keepContent(unit, { ...place, sender: phone.address, content, ttlSeconds }, nowMs);
    unit.put(processedTable, [messageId], position);
  });
  return messageId;
}

async function passOn(atMs = nowMs): Promise<number> {
  const archive = await packArchive(historyRows(phone.store));
  const rows = archive === undefined ? [] : await unpackArchive(archive);
  return tablet.commit((unit) => rows.filter((row) => keepHistoryRow(unit, row, atMs)).length);
}

const shown = (party: SdkParty, id = conversationId) => new MessageArchive(party.store, party.address).messages(id, {});
const text = (words: string): Content => ({ type: 'text', text: words });

describe('what was said before', () => {
  test('is on the other device as it is here, with what was done to it, however often it comes', async () => {
    const first = await said(phone, 1, text('one'));
    await said(phone, 2, { type: 'edit', messageId: first, text: 'one, better' });
    await said(phone, 3, { type: 'reaction', messageId: first, emoji: '👍' });
    await said(phone, 4, text('not for long'), { ttlSeconds: 60 });
    const gone = await said(phone, 5, text('gone'));
    await said(phone, 6, { type: 'delete', messageId: gone });
    expect(await passOn()).toBe(3);
    expect(shown(tablet)).toEqual(shown(phone));
    expect(shown(tablet)).toMatchObject([
      { content: { text: 'one, better' } },
      { content: { text: 'not for long' } },
      { content: { type: 'deleted' } },
    ]);
    expect(tablet.store.get(contentKeyTable, first)).toEqual(phone.store.get(contentKeyTable, first));
    expect(tablet.store.get(contentKeyTable, gone)).toBeUndefined();
    expect(await passOn()).toBe(0);
    expect(shown(tablet)).toEqual(shown(phone));
  });

  test('changes nothing of what came to the other device itself', async () => {
    const messageId = await said(phone, 1, text('hello'));
    const here = (party: SdkParty) => party.commit((unit) => unit.put(processedTable, [messageId], 1));
    // It came there, and disappeared.
    await here(tablet);
    expect(await passOn()).toBe(0);
    expect(shown(tablet)).toEqual([]);
    await said(tablet, 9, text('its own'));
    await said(tablet, 10, { type: 'delete', messageId });
    await said(phone, 2, text('two'));
    expect(await passOn()).toBe(1);
    expect(shown(tablet).map(({ content }) => content)).toMatchObject([text('two'), text('its own')]);
  });

  test('is deleted there as well, if that came first', async () => {
    const messageId = await said(phone, 1, text('regretted'));
    await said(tablet, 5, { type: 'delete', messageId });
    await passOn();
    expect(shown(tablet)).toMatchObject([{ content: { type: 'deleted' } }]);
    expect(tablet.store.get(contentKeyTable, messageId)).toBeUndefined();
  });

  test('opens what did not open there, which is not asked for any more', async () => {
    const messageId = await said(phone, 1, text('hello'));
    await tablet.commit((unit) => {
      unit.put(processedTable, [messageId], 1);
      unit.put(messageTable, [conversationId, 1], { messageId, sender: phone.address, acceptedAtMs: nowMs, content: { type: 'undecryptable' } });
      unit.put(lackedKeyTable, [conversationId, 1], { messageId, sender: phone.address, asks: 1, askedAtMs: 0 });
    });
    expect(await passOn()).toBe(1);
    expect(shown(tablet)).toMatchObject([{ content: text('hello') }]);
    expect(tablet.store.range(lackedKeyTable, [])).toEqual([]);
  });

  test('is not kept when its time was over on the way', async () => {
    await said(phone, 1, text('not for long'), { ttlSeconds: 60 });
    expect(await passOn(nowMs + 120_000)).toBe(0);
    expect(shown(tablet)).toEqual([]);
  });
});

describe('an archive', () => {
  test('begins with the conversation of the newest message, and with that: what is too much stays behind', async () => {
    const other = await met();
    for (let position = 1; position <= 100; position += 1) await said(phone, position, text('x'.repeat(1_000)));
    await said(phone, 200, text('newest'), { in: other });
    const archive = await packArchive(historyRows(phone.store), 10_000);
    const rows = await unpackArchive(archive ?? new Uint8Array());
    const positions = rows.flatMap((row) => (row.kind === 'message' ? [[row.conversationId, row.position]] : []));
    expect(positions.slice(0, 3)).toEqual([
      [other, 200],
      [conversationId, 100],
      [conversationId, 99],
    ]);
    expect(positions.length).toBeLessThan(12);
  });

  test('of nothing is none, and what is none opens as nothing', async () => {
    expect(await packArchive(historyRows(phone.store))).toBeUndefined();
    await expect(unpackArchive(Buffer.from('no archive'))).rejects.toMatchObject({ code: 'undecryptable' });
  });
});

describe('the transfer from one device to the other', () => {
  const linkId = v4() as LinkId;
  const blobId = v4() as BlobId;
  const pointer = { blobId, key: Buffer.alloc(32, 3), sha256: Buffer.alloc(32, 4), size: 1 };
  let file: Uint8Array | undefined;
  let steps: string[];
  let refusals: DomainError[];
  let kept: number[];

  beforeEach(() => {
    [file, steps, refusals, kept] = [undefined, [], [], []];
  });

  function transferOf(party: SdkParty): HistoryTransfer {
    const call = (operation: string, { body }: { readonly body?: { readonly step: string } }) => {
      if (operation !== 'tellLinkStep') return Promise.resolve(undefined);
      const refusal = refusals.shift();
      if (refusal !== undefined) return Promise.reject(refusal);
      steps.push(body?.step ?? '');
      return Promise.resolve(undefined);
    };
    const put = (archive: Uint8Array) => {
      file = archive;
      return Promise.resolve(pointer);
    };
    const get = () => (file === undefined ? Promise.reject(new DomainError('gone', 'after a day')) : Promise.resolve(file));
    return new HistoryTransfer({
      ...{ store: party.store, signal: new SerialQueue(), onAsked: () => undefined },
      rest: { call } as unknown as HistoryTransferDependencies['rest'],
      files: { put, get },
      onKept: (messages) => void kept.push(messages),
    });
  }
  const wanted = () =>
    phone.commit((unit) => unit.put(historyWantedTable, [deviceKey(tablet.address)], { to: tablet.address, linkId, conversationId }));
  const offered = () => tablet.commit((unit) => unit.put(historyOfferTable, [blobId], { ...pointer, from: phone.address, linkId, conversationId }));
  const notes = (party: SdkParty) => party.store.range(outboxTable, []).map(({ row }) => (row.kind === 'keys' ? row.note?.type : undefined));

  test('tells the server each step, and what it could not tell with the next connection', async () => {
    await said(phone, 1, text('hello'));
    await wanted();
    refusals = [new DomainError('unavailable', 'in a moment')];
    await expect(transferOf(phone).work()).rejects.toMatchObject({ code: 'unavailable' });
    expect([steps, notes(phone)]).toEqual([[], ['history']]);
    await transferOf(phone).work();
    await transferOf(phone).work();
    await offered();
    await transferOf(tablet).work();
    expect(steps).toEqual(['offered', 'taken']);
    expect(kept).toEqual([1]);
    expect(shown(tablet)).toEqual(shown(phone));
  });

  test('tells that there is nothing, and nobody any more once the link is forgotten', async () => {
    await wanted();
    await transferOf(phone).work();
    expect([steps, notes(phone)]).toEqual([['nothing'], []]);
    await wanted();
    refusals = [new DomainError('not_found', 'forgotten')];
    await transferOf(phone).work();
    await transferOf(phone).work();
    expect(steps).toEqual(['nothing']);
  });

  test('asks again for what lay there for too long', async () => {
    await offered();
    await transferOf(tablet).work();
    expect([steps, notes(tablet)]).toEqual([[], ['history-wanted']]);
  });
});
