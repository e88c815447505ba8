import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { SendFrame } from '../../protocol/client-frames.js';
import type { ConversationId } from '../../protocol/ids.js';
import { sessionTable } from '../../sdk/encryption/key-tables.js';
import type { Device } from '../../sdk/index.js';
import { DeviceStore } from '../../sdk/store/device-store.js';
import { DeviceStage, heard, receiveAs, textsOf } from '../support/device-stage.js';
import { deferred } from '../support/drain-fixtures.js';
import { eventually } from '../support/eventually.js';
import { newMessageId } from '../support/ids.js';
import { addressOf, PenPal } from '../support/pen-pal.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

const seen = (device: Device, conversationId: ConversationId) => textsOf(device.messages(conversationId));

describe('receiving', () => {
  test('a burst is stored, acked and told in order; the sender of first messages is answered once', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const told = heard(device, 'message');
    const acked = stage.server.acks.length;
    const burst: SendFrame[] = [];
    for (let number = 0; number < 30; number += 1) burst.push(await pal.seal(device, `${number}`));
    for (const send of burst) pal.accept(send);
    await eventually(() => expect(told).toHaveLength(30));
    expect(textsOf(told)).toEqual(Array.from({ length: 30 }, (_, number) => `${number}`));
    expect(seen(device, conversationId)).toEqual(textsOf(told));
    await eventually(() => expect(stage.server.acks.at(-1)?.seq).toBe(30));
    expect(stage.server.acks.length - acked).toBeLessThan(10);
    await device.idle();
    expect(pal.keys()).toHaveLength(1);
    await pal.takeAnswers();
    const small = await pal.write(device, 'small now');
    expect(small.envelope?.content.byteLength).toBeLessThan(200);
    await eventually(() => expect(told).toHaveLength(31));
    expect(pal.keys()).toHaveLength(1);
  });

  test('what comes again is acked and not told again', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const told = heard(device, 'message');
    const notices = heard(device, 'notice');
    const item = await pal.write(device, 'once');
    await eventually(() => expect(told).toHaveLength(1));
    stage.server.deliver(addressOf(device), [item], [item, item]);
    await eventually(() => expect(stage.server.acks.at(-1)?.seq).toBe(3));
    await pal.write(device, 'next');
    await eventually(() => expect(told).toHaveLength(2));
    expect(seen(device, conversationId)).toEqual(['once', 'next']);
    expect(notices).toEqual([]);
  });

  test('what was delivered while the connection broke is delivered again and told once', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const told = heard(device, 'message');
    for (let number = 0; number < 5; number += 1) {
      await pal.write(device, `${number}`);
      stage.server.cut(addressOf(device));
    }
    await eventually(() => expect(told).toHaveLength(5));
    expect(seen(device, conversationId)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('a message under an id that was not seen, with an envelope that was, is shown as undecryptable and told', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const notices = heard(device, 'notice');
    const item = await pal.write(device, 'the first');
    pal.accept({
      ...(await pal.seal(device, 'moved')),
      envelopes: [{ to: { ...addressOf(device), registrationId: 1 }, ...(item.envelope ?? { type: 0, content: new Uint8Array() }) }],
    });
    await eventually(() => expect(seen(device, conversationId)).toEqual(['the first', '(undecryptable)']));
    await eventually(() => expect(notices).toEqual([expect.objectContaining({ kind: 'undecryptable', reason: 'duplicate' })]));
  });

  test('a body that was changed, swapped or is missing is shown as undecryptable; the messages around it are whole', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const body = (await pal.seal(device, 'another')).body ?? new Uint8Array();
    const bodiless = await pal.seal(device, 'missing');
    delete bodiless.body;
    await pal.write(device, 'before');
    pal.accept(await pal.seal(device, 'swapped', { body }));
    pal.accept(bodiless);
    await pal.write(device, 'after');
    await eventually(() => expect(seen(device, conversationId)).toEqual(['before', '(undecryptable)', '(undecryptable)', 'after']));
  });

  test('a message that the server puts into the conversation of others is not shown as theirs', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const mallory = await PenPal.of(stage, device);
    await mallory.write(device, 'I am who you think', { conversationId });
    await eventually(() => expect(seen(device, conversationId)).toEqual(['(undecryptable)']));
    await pal.write(device, 'I am');
    await eventually(() => expect(seen(device, conversationId)).toEqual(['(undecryptable)', 'I am']));
    expect(device.conversations()).toMatchObject([{ peer: { accountId: pal.party.address.accountId } }]);
  });

  test('whatever stands in an envelope or body, storing it does not fail', async () => {
    const { pal, device } = await PenPal.withDevice(stage);
    const kinds = fc.constantFrom<SendFrame['kind']>('message', 'keys');
    const content = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ minLength: 1, maxLength: 8 }));
    const good = await pal.seal(device, 'good');
    const envelope = fc.oneof(
      fc.record({ type: fc.integer({ min: 0, max: 8 }), content }),
      fc.constant(good.envelopes[0] ?? { type: 2, content: new Uint8Array() }),
    );
    await fc.assert(
      fc.asyncProperty(kinds, envelope, content, fc.boolean(), async (kind, { type, content: bytes }, body, isWithBody) => {
        const item = { ...good, kind, messageId: newMessageId(), position: stage.server.log.length + 1, acceptedAtMs: 0, sender: pal.party.address };
        const { conversationId, messageId, position, acceptedAtMs, sender } = item;
        const other = await receiveAs(pal.party, [
          { conversationId, messageId, position, acceptedAtMs, sender, kind, envelope: { type, content: bytes }, ...(isWithBody && { body }) },
        ]);
        expect(textsOf(other.messages)).toEqual(kind === 'keys' ? [] : ['(undecryptable)']);
      }),
    );
  });
});

describe('a session that broke', () => {
  test('holds nothing up that was about to be sealed with it', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    stage.server.directory.enrol(stage.handle(), pal.party, await stage.sibling(pal.party, 2));
    const { envelope } = await pal.write(device, 'whole');
    await eventually(() => expect(pal.keys()).toHaveLength(1));
    await pal.takeAnswers();
    const notices = heard(device, 'notice');
    const arrival = deferred();
    let claims = 0;
    stage.server.answerRest = async (operation, body) => {
      if (operation === 'claimPrekeys' && ++claims === 1) await arrival.promise;
      return body;
    };
    await device.send(conversationId, { type: 'text', text: 'to both' });
    await eventually(() => expect(claims).toBe(1));
    // The session that the message is to be sealed with is given up while keys for the other device are under way.
    pal.accept({
      ...(await pal.seal(device, 'moved')),
      envelopes: [{ to: { ...addressOf(device), registrationId: 1 }, ...(envelope ?? { type: 0, content: new Uint8Array() }) }],
    });
    await eventually(() => expect(seen(device, conversationId)).toContain('(undecryptable)'));
    arrival.resolve();
    await device.idle();
    expect(textsOf((await pal.takeAnswers()).messages)).toEqual(['to both']);
    expect(notices.map(({ kind }) => kind)).toEqual(['undecryptable']);
  });

  test('is replaced by a new one, so that the next message opens', async () => {
    const directory = stage.directory();
    const { pal, device, conversationId } = await PenPal.withDevice(stage, { directory });
    await pal.write(device, 'whole');
    await eventually(() => expect(pal.keys()).toHaveLength(1));
    await pal.takeAnswers();
    await stage.close(device);
    const store = await DeviceStore.open(directory, {});
    const unit = store.begin();
    unit.remove(sessionTable, `${pal.party.address.accountId}.1`);
    await unit.commit();
    await store.close();
    const again = await stage.connected({ directory, handle: device.handle });
    await eventually(() => expect(again.status.state).toBe('online'));
    const notices = heard(again, 'notice');
    await pal.write(again, 'lost');
    await eventually(() => expect(pal.keys()).toHaveLength(2));
    expect(notices).toContainEqual(expect.objectContaining({ kind: 'undecryptable', reason: 'no_session' }));
    await pal.write(again, 'lost too');
    await eventually(() => expect(seen(again, conversationId)).toEqual(['whole', '(undecryptable)', '(undecryptable)']));
    await again.idle();
    // The first answer, and what asks for the keys of both messages.
    expect(pal.keys()).toHaveLength(3);
    await pal.takeAnswers();
    await pal.write(again, 'whole again');
    await eventually(() => expect(seen(again, conversationId).at(-1)).toBe('whole again'));
  });
});
