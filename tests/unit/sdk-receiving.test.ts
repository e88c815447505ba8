/* eslint-disable max-lines -- everything that can arrive */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { SendFrame } from '../../protocol/client-frames.js';
import { directConversationId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { envelopePlaintext, sealBody } from '../../sdk/encryption/body-seal.js';
import { encodeContent } from '../../sdk/encryption/content.js';
import { sessionTable } from '../../sdk/encryption/key-tables.js';
import { encryptTo } from '../../sdk/encryption/sessions.js';
import type { Device, DeviceEvents } from '../../sdk/index.js';
import { DeviceStore } from '../../sdk/store/device-store.js';
import { DeviceStage, receiveAs, textsOf } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { newMessageId } from '../support/ids.js';
import type { SdkParty } from '../support/sdk-party.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

const addressOf = ({ accountId, deviceId }: Device): DeviceAddress => ({ accountId, deviceId });
const conversationOf = (party: SdkParty, device: Device) => directConversationId(party.address.accountId, device.accountId);

/** A session from what the server would hand out. */
async function meet(party: SdkParty, device: Device): Promise<void> {
  const { accountId, deviceId } = device;
  const bundle = stage.server.directory.handlers.claimPrekeys?.(
    { params: { accountId }, query: { device: deviceId }, body: undefined },
    party.address,
  );
  const keys = bundle?.devices[0];
  if (bundle === undefined || keys === undefined) throw new Error('no bundle');
  await party.meet({ device: addressOf(device), identityKey: bundle.identityKey, ...keys });
}

/** Somebody who has a session with a device that is there. */
async function pair(options: { readonly directory?: string } = {}) {
  const party = await stage.party();
  const device = await stage.connected(options);
  stage.server.directory.openConversation(party.address.accountId, device.accountId);
  await meet(party, device);
  await eventually(() => expect(device.status.state).toBe('online'));
  return { party, device, conversationId: conversationOf(party, device) };
}

async function sealed(party: SdkParty, device: Device, text: string, changes: Partial<SendFrame> = {}): Promise<SendFrame> {
  const conversationId = conversationOf(party, device);
  const messageId = newMessageId();
  const { key, body } = sealBody({ conversationId, messageId, sender: party.address }, encodeContent({ type: 'text', text }));
  const envelope = await party.commit((unit) => encryptTo(unit, party.address, addressOf(device), envelopePlaintext({ key, body })));
  const envelopes = [{ to: { ...addressOf(device), registrationId: 1 }, ...envelope }];
  return {
    type: 'send',
    id: 1,
    messageId,
    conversationId,
    rosterDigest: '',
    kind: 'message',
    body,
    envelopes,
    attempt: 1,
    strategy: 'strict',
    ...changes,
  };
}

/** Sealed, accepted and, if the device is there, delivered. */
async function write(party: SdkParty, device: Device, text: string): Promise<DeliverItem> {
  const [item] = stage.server.accept(party.address, await sealed(party, device, text));
  if (item === undefined) throw new Error('nothing was addressed');
  return item;
}

function heard<Name extends keyof DeviceEvents>(device: Device, name: Name): DeviceEvents[Name][] {
  const events: DeviceEvents[Name][] = [];
  device.on(name, (event) => void events.push(event));
  return events;
}

/** Takes in what the device sent to the party, such as its answers to first messages. */
const takeAnswers = (party: SdkParty) => receiveAs(party, stage.server.inbox(party.address));
const keysTo = (party: SdkParty) => stage.server.inbox(party.address).filter(({ kind }) => kind === 'keys');
const seen = (device: Device, conversationId: ConversationId) => textsOf(device.messages(conversationId));

describe('receiving', () => {
  test('a burst is stored, acked and told in order; the sender of first messages is answered once', async () => {
    const { party, device, conversationId } = await pair();
    const told = heard(device, 'message');
    const acked = stage.server.acks.length;
    const burst: SendFrame[] = [];
    for (let number = 0; number < 30; number += 1) burst.push(await sealed(party, device, `${number}`));
    for (const send of burst) stage.server.accept(party.address, send);
    await eventually(() => expect(told).toHaveLength(30));
    expect(textsOf(told)).toEqual(Array.from({ length: 30 }, (_, number) => `${number}`));
    expect(seen(device, conversationId)).toEqual(textsOf(told));
    await eventually(() => expect(stage.server.acks.at(-1)?.seq).toBe(30));
    expect(stage.server.acks.length - acked).toBeLessThan(10);
    await device.idle();
    expect(keysTo(party)).toHaveLength(1);
    await takeAnswers(party);
    const small = await write(party, device, 'small now');
    expect(small.envelope?.content.byteLength).toBeLessThan(200);
    await eventually(() => expect(told).toHaveLength(31));
    expect(keysTo(party)).toHaveLength(1);
  });

  test('what comes again is acked and not told again', async () => {
    const { party, device, conversationId } = await pair();
    const told = heard(device, 'message');
    const notices = heard(device, 'notice');
    const item = await write(party, device, 'once');
    await eventually(() => expect(told).toHaveLength(1));
    stage.server.deliver(addressOf(device), [item], [item, item]);
    await eventually(() => expect(stage.server.acks.at(-1)?.seq).toBe(3));
    await write(party, device, 'next');
    await eventually(() => expect(told).toHaveLength(2));
    expect(seen(device, conversationId)).toEqual(['once', 'next']);
    expect(notices).toEqual([]);
  });

  test('what was delivered while the connection broke is delivered again and told once', async () => {
    const { party, device, conversationId } = await pair();
    const told = heard(device, 'message');
    for (let number = 0; number < 5; number += 1) {
      await write(party, device, `${number}`);
      stage.server.cut(addressOf(device));
    }
    await eventually(() => expect(told).toHaveLength(5));
    expect(seen(device, conversationId)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('a message under an id that was not seen, with an envelope that was, is shown as undecryptable and told', async () => {
    const { party, device, conversationId } = await pair();
    const notices = heard(device, 'notice');
    const item = await write(party, device, 'the first');
    stage.server.accept(party.address, {
      ...(await sealed(party, device, 'moved')),
      envelopes: [{ to: { ...addressOf(device), registrationId: 1 }, ...(item.envelope ?? { type: 0, content: new Uint8Array() }) }],
    });
    await eventually(() => expect(seen(device, conversationId)).toEqual(['the first', '(undecryptable)']));
    expect(notices).toEqual([expect.objectContaining({ kind: 'undecryptable', reason: 'duplicate' })]);
  });

  test('a body that was changed, swapped or is missing is shown as undecryptable; the messages around it are whole', async () => {
    const { party, device, conversationId } = await pair();
    const body = (await sealed(party, device, 'another')).body ?? new Uint8Array();
    const bodiless = await sealed(party, device, 'missing');
    delete bodiless.body;
    await write(party, device, 'before');
    stage.server.accept(party.address, await sealed(party, device, 'swapped', { body }));
    stage.server.accept(party.address, bodiless);
    await write(party, device, 'after');
    await eventually(() => expect(seen(device, conversationId)).toEqual(['before', '(undecryptable)', '(undecryptable)', 'after']));
  });

  test('a message that the server puts into the conversation of others is not shown as theirs', async () => {
    const { party, device, conversationId } = await pair();
    const mallory = await stage.party();
    await meet(mallory, device);
    stage.server.accept(mallory.address, await sealed(mallory, device, 'I am who you think', { conversationId }));
    await eventually(() => expect(seen(device, conversationId)).toEqual(['(undecryptable)']));
    await write(party, device, 'I am');
    await eventually(() => expect(seen(device, conversationId)).toEqual(['(undecryptable)', 'I am']));
  });

  test('whatever stands in an envelope or body, storing it does not fail', async () => {
    const { party, device } = await pair();
    const kinds = fc.constantFrom<SendFrame['kind']>('message', 'keys');
    const content = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ minLength: 1, maxLength: 8 }));
    const good = await sealed(party, device, 'good');
    const envelope = fc.oneof(
      fc.record({ type: fc.integer({ min: 0, max: 8 }), content }),
      fc.constant(good.envelopes[0] ?? { type: 2, content: new Uint8Array() }),
    );
    await fc.assert(
      fc.asyncProperty(kinds, envelope, content, fc.boolean(), async (kind, { type, content: bytes }, body, isWithBody) => {
        const item = { ...good, kind, messageId: newMessageId(), position: stage.server.log.length + 1, acceptedAtMs: 0, sender: party.address };
        const { conversationId, messageId, position, acceptedAtMs, sender } = item;
        const other = await receiveAs(party, [
          { conversationId, messageId, position, acceptedAtMs, sender, kind, envelope: { type, content: bytes }, ...(isWithBody && { body }) },
        ]);
        expect(textsOf(other.messages)).toEqual(kind === 'keys' ? [] : ['(undecryptable)']);
      }),
    );
  });
});

describe('a session that broke', () => {
  test('is replaced by a new one, so that the next message opens', async () => {
    const directory = stage.directory();
    const { party, device, conversationId } = await pair({ directory });
    await write(party, device, 'whole');
    await eventually(() => expect(keysTo(party)).toHaveLength(1));
    await takeAnswers(party);
    await stage.close(device);
    const store = await DeviceStore.open(directory, {});
    const unit = store.begin();
    unit.remove(sessionTable, `${party.address.accountId}.1`);
    await unit.commit();
    await store.close();
    const again = await stage.connected({ directory, handle: device.handle });
    await eventually(() => expect(again.status.state).toBe('online'));
    const notices = heard(again, 'notice');
    await write(party, again, 'lost');
    await eventually(() => expect(keysTo(party)).toHaveLength(2));
    expect(notices).toContainEqual(expect.objectContaining({ kind: 'undecryptable', reason: 'no_session' }));
    await write(party, again, 'lost too');
    await eventually(() => expect(seen(again, conversationId)).toEqual(['whole', '(undecryptable)', '(undecryptable)']));
    await again.idle();
    expect(keysTo(party)).toHaveLength(2);
    await takeAnswers(party);
    await write(party, again, 'whole again');
    await eventually(() => expect(seen(again, conversationId).at(-1)).toBe('whole again'));
  });
});

describe('telling', () => {
  test('a message whose listener was not done when the process ended is told again at the next start, and then no more', async () => {
    const directory = stage.directory();
    const { party, device } = await pair({ directory });
    const told = heard(device, 'message');
    device.on('message', ({ content }) => (content.type === 'text' && content.text === 'slow' ? new Promise(() => undefined) : undefined));
    await write(party, device, 'quick');
    await write(party, device, 'slow');
    await eventually(() => expect(told).toHaveLength(2));
    await stage.close(device);
    const again = await stage.open({ directory });
    const retold = heard(again, 'message');
    again.connect();
    await eventually(() => expect(textsOf(retold)).toEqual(['slow']));
    expect(retold[0]?.conversation.peer.accountId).toBe(party.address.accountId);
    await stage.close(again);
    const third = await stage.open({ directory });
    const rest = heard(third, 'message');
    third.connect();
    await write(party, third, 'new');
    await eventually(() => expect(textsOf(rest)).toEqual(['new']));
  });

  test('a listener that throws does not keep the next one, or the next message, from being heard, and becomes a notice', async () => {
    const { party, device } = await pair();
    device.on('message', () => {
      throw new Error('a fault of the app');
    });
    device.on('message', () => Promise.reject(new Error('another')));
    const told = heard(device, 'message');
    const notices = heard(device, 'notice');
    await write(party, device, '1');
    await write(party, device, '2');
    await eventually(() => expect(textsOf(told)).toEqual(['1', '2']));
    await eventually(() => expect(notices).toHaveLength(4));
    expect(notices[0]).toEqual({ kind: 'background-failed', error: new Error('a fault of the app') });
  });

  test('comes without a name while the server does not give it, and with it as soon as it does', async () => {
    const { party, device } = await pair();
    const told = heard(device, 'message');
    stage.server.answerRest = (operation, body) => (operation === 'getAccount' ? undefined : body);
    await write(party, device, 'who am I?');
    await eventually(() => expect(told).toHaveLength(1));
    expect(told[0]?.conversation.peer).toEqual({ accountId: party.address.accountId, handle: undefined });
    stage.server.answerRest = (_, body) => body;
    await write(party, device, 'now?');
    await eventually(() => expect(told[1]?.conversation.peer.handle).toBeDefined());
  });
});

describe('frames about messages', () => {
  test('receipts that come at once are all kept, and only rise', async () => {
    const { party, device, conversationId } = await pair();
    const { accountId, deviceId } = party.address;
    const item = (fields: object) => ({ type: 'receipts', items: [{ conversationId, accountId, ...fields }] });
    stage.server.push(
      addressOf(device),
      item({ deviceId, deliveredPosition: 5 }),
      item({ readPosition: 3 }),
      item({ deviceId, deliveredPosition: 4 }),
      item({ deviceId, deliveredPosition: 7 }),
    );
    await eventually(() => expect(device.receiptsOf(conversationId)).toEqual({ delivered: 7, read: 3 }));
  });

  test('a gap is told and kept', async () => {
    const directory = stage.directory();
    const { device, conversationId } = await pair({ directory });
    const notices = heard(device, 'notice');
    const gap = { type: 'gap', conversationId, reason: 'expired', from: 3, to: 9, messageIds: [newMessageId()] } as const;
    stage.server.push(addressOf(device), gap, gap);
    await eventually(() =>
      expect(notices).toEqual([
        { kind: 'gap', gap },
        { kind: 'gap', gap },
      ]),
    );
    await stage.close(device);
    const again = await stage.open({ directory });
    expect(again.gaps(conversationId)).toEqual([{ reason: 'expired', from: 3, to: 9, messageIds: gap.messageIds }]);
  });

  test('what is read is told to the server once, also when there was no connection then', async () => {
    const directory = stage.directory();
    const { party, device, conversationId } = await pair({ directory });
    const { position } = await write(party, device, 'read me');
    await eventually(() => expect(device.messages(conversationId)).toHaveLength(1));
    await stage.close(device);
    const again = await stage.open({ directory });
    await again.markRead(conversationId);
    await again.markRead(conversationId);
    const before = stage.server.reads.length;
    again.connect();
    await eventually(() => expect(stage.server.reads.slice(before)).toEqual([expect.objectContaining({ conversationId, position })]));
    stage.server.cut(addressOf(again));
    await eventually(() => expect(again.status.state).toBe('online'));
    await again.markRead(conversationId, position);
    expect(stage.server.reads.slice(before)).toHaveLength(1);
  });

  test('what a newer server adds is passed over', async () => {
    const { party, device, conversationId } = await pair();
    await write(party, device, 'old');
    const { messageId, kind, body, envelopes } = await sealed(party, device, 'new');
    const { type, content } = envelopes[0] ?? { type: 0, content: new Uint8Array() };
    const item = { conversationId, position: 99, messageId, kind, sender: party.address, acceptedAtMs: 1, body, envelope: { type, content } };
    stage.server.push(
      addressOf(device),
      { type: 'weather', sunny: true },
      { type: 'deliver', seq: 2, items: [{ ...item, hue: 'blue' }], urgent: true },
    );
    await eventually(() => expect(seen(device, conversationId)).toEqual(['old', 'new']));
  });
});
