import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { DomainError } from '../../protocol/errors.js';
import type { ConversationId } from '../../protocol/ids.js';
import type { Device } from '../../sdk/index.js';
import { DeviceStage, heard, textsOf } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { newMessageId } from '../support/ids.js';
import { addressOf, PenPal } from '../support/pen-pal.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
  stage.server.judgeRead = () => undefined;
  stage.server.answerReceipts = () => [];
});
afterAll(() => stage.end());

const seen = (device: Device, conversationId: ConversationId) => textsOf(device.messages(conversationId));

describe('telling', () => {
  test('a message whose listener was not done when the process ended is told again at the next start, and then no more', async () => {
    const directory = stage.directory();
    const { pal, device } = await PenPal.withDevice(stage, { directory });
    const told = heard(device, 'message');
    device.on('message', ({ content }) => (content.type === 'text' && content.text === 'slow' ? new Promise(() => undefined) : undefined));
    await pal.write(device, 'quick');
    await pal.write(device, 'slow');
    await eventually(() => expect(told).toHaveLength(2));
    await stage.close(device);
    const again = await stage.open({ directory });
    const retold = heard(again, 'message');
    again.connect();
    await eventually(() => expect(textsOf(retold)).toEqual(['slow']));
    expect(retold[0]?.conversation).toMatchObject({ peer: { accountId: pal.party.address.accountId } });
    await stage.close(again);
    const third = await stage.open({ directory });
    const rest = heard(third, 'message');
    third.connect();
    await pal.write(third, 'new');
    await eventually(() => expect(textsOf(rest)).toEqual(['new']));
  });

  test('a listener that throws does not keep the next one, or the next message, from being heard, and becomes a notice', async () => {
    const { pal, device } = await PenPal.withDevice(stage);
    device.on('message', () => {
      throw new Error('a fault of the app');
    });
    device.on('message', () => Promise.reject(new Error('another')));
    const told = heard(device, 'message');
    const notices = heard(device, 'notice');
    await pal.write(device, '1');
    await pal.write(device, '2');
    await eventually(() => expect(textsOf(told)).toEqual(['1', '2']));
    await eventually(() => expect(notices).toHaveLength(4));
    expect(notices[0]).toEqual({ kind: 'background-failed', error: new Error('a fault of the app') });
  });

  test('comes without a name while the server does not give it, and with it as soon as it does', async () => {
    const { pal, device } = await PenPal.withDevice(stage);
    const told = heard(device, 'message');
    stage.server.answerRest = (operation, body) => (operation === 'getAccount' ? undefined : body);
    await pal.write(device, 'who am I?');
    await eventually(() => expect(told).toHaveLength(1));
    expect(told[0]?.conversation).toMatchObject({ peer: { accountId: pal.party.address.accountId, handle: undefined } });
    stage.server.answerRest = (_, body) => body;
    await pal.write(device, 'now?');
    await eventually(() => expect(told[1]?.conversation).toHaveProperty('peer.handle', expect.any(String)));
  });
});

describe('frames about messages', () => {
  test('receipts that come at once are all kept, and only rise', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const { accountId, deviceId } = pal.party.address;
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

  test('two ticks are not shown for what another device lacks below its watermark, until it arrives', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    const { accountId, deviceId } = pal.party.address;
    await device.send(conversationId, { type: 'text', text: 'one' });
    await device.send(conversationId, { type: 'text', text: 'two' });
    const shown = () => device.messages(conversationId).map(({ state }) => state);
    await eventually(() => expect(shown()).toEqual(['accepted', 'accepted']));
    const [first = 0, second = 0] = device.messages(conversationId).map(({ position }) => position);
    const tell = (fields: object) => {
      stage.server.push(addressOf(device), { type: 'receipts', items: [{ conversationId, accountId, deviceId, ...fields }] });
    };
    tell({ except: [first] });
    tell({ deliveredPosition: second });
    await eventually(() => expect(shown()).toEqual(['accepted', 'delivered']));
    expect(device.receiptsOf(conversationId)).toEqual({ delivered: second, except: [first] });
    tell({ readPosition: second });
    await eventually(() => expect(shown()).toEqual(['accepted', 'read']));
    tell({ arrived: [first] });
    await eventually(() => expect(shown()).toEqual(['read', 'read']));

    // It was there again, and arrived while this device was away: an answer says all.
    tell({ except: [first] });
    await eventually(() => expect(shown()).toEqual(['accepted', 'read']));
    stage.server.answerReceipts = () => [{ conversationId, accountId, deviceId, deliveredPosition: second, readPosition: second }];
    stage.server.cut(addressOf(device));
    await eventually(() => expect(shown()).toEqual(['read', 'read']));
    expect(device.receiptsOf(conversationId)).toEqual({ delivered: second, read: second });
  });

  test('a gap is told and kept', async () => {
    const directory = stage.directory();
    const { device, conversationId } = await PenPal.withDevice(stage, { directory });
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
    const { pal, device, conversationId } = await PenPal.withDevice(stage, { directory });
    const { position } = await pal.write(device, 'read me');
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

  test('what is read is told again after a refusal for the moment, and `idle` waits for that', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    await pal.write(device, 'read me');
    await eventually(() => expect(device.messages(conversationId)).toHaveLength(1));
    const before = stage.server.reads.length;
    stage.server.judgeRead = () =>
      stage.server.reads.length - before < 3 ? new DomainError('rate_limited', 'not so fast', { retryAfterMs: 10 }) : undefined;
    await device.markRead(conversationId);
    await device.idle();
    expect(stage.server.reads).toHaveLength(before + 3);
  });

  test('receipts that the server cannot tell for the moment are asked for again, and a device is idle only when it has them', async () => {
    const directory = stage.directory();
    const { pal, device, conversationId } = await PenPal.withDevice(stage, { directory });
    const { messageId } = await device.send(conversationId, { type: 'text', text: 'seen?' });
    await eventually(() => expect(device.messages(conversationId)).toMatchObject([{ messageId, state: 'accepted' }]));
    await stage.close(device);
    const before = stage.server.receiptQuestions.length;
    stage.server.answerReceipts = () => {
      if (stage.server.receiptQuestions.length - before < 3) return new DomainError('unavailable', 'still being written', { retryAfterMs: 10 });
      return [{ conversationId, accountId: pal.party.address.accountId, readPosition: 1_000 }];
    };
    const back = await stage.open({ directory });
    back.connect();
    await eventually(() => expect(back.status.state).toBe('online'));
    await back.idle();
    expect(back.messages(conversationId)).toMatchObject([{ state: 'read' }]);
    expect(stage.server.receiptQuestions).toHaveLength(before + 3);
  });

  test.each(['forbidden', 'not_found'] as const)('what the server never takes as read (%s) is given up with a notice', async (code) => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    await pal.write(device, 'read me');
    await eventually(() => expect(device.messages(conversationId)).toHaveLength(1));
    const notices = heard(device, 'notice');
    stage.server.judgeRead = () => new DomainError(code, 'you left');
    const before = stage.server.reads.length;
    await device.markRead(conversationId);
    await device.idle();
    expect(stage.server.reads).toHaveLength(before + 1);
    await eventually(() => expect(notices).toEqual([expect.objectContaining({ kind: 'background-failed' })]));
  });

  test('`idle` ends with the device', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    await pal.write(device, 'read me');
    await eventually(() => expect(device.messages(conversationId)).toHaveLength(1));
    stage.server.judgeRead = () => new DomainError('unavailable', 'in an hour', { retryAfterMs: 3_600_000 });
    await device.markRead(conversationId);
    const idle = expect(device.idle()).rejects.toMatchObject({ code: 'closed' });
    await stage.close(device);
    await idle;
  });

  test('what a newer server adds is passed over', async () => {
    const { pal, device, conversationId } = await PenPal.withDevice(stage);
    await pal.write(device, 'old');
    const { messageId, kind, body, envelopes } = await pal.seal(device, 'new');
    const { type, content } = envelopes[0] ?? { type: 0, content: new Uint8Array() };
    const item = { conversationId, position: 99, messageId, kind, sender: pal.party.address, acceptedAtMs: 1, body, envelope: { type, content } };
    stage.server.push(
      addressOf(device),
      { type: 'weather', sunny: true },
      { type: 'deliver', seq: 2, items: [{ ...item, hue: 'blue' }], urgent: true },
    );
    await eventually(() => expect(seen(device, conversationId)).toEqual(['old', 'new']));
  });
});
