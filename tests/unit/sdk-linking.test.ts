import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { RestOutput } from '../../protocol/rest/contract.js';
import type { Device } from '../../sdk/index.js';
import { decodeLinkCode } from '../../sdk/linking/link-code.js';
import { DeviceStage } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { scriptLinks } from '../support/scripted-links.js';

let stage: DeviceStage;
let links: ReturnType<typeof scriptLinks>;

beforeAll(async () => {
  stage = await DeviceStage.start();
  links = scriptLinks(stage.server.directory);
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

const linkedTo = (device: Device, directory = stage.directory()) =>
  stage.open({ directory, link: { onCode: (code) => void device.devices.link(code) } });

type Answered = Extract<RestOutput<'readLink'>['body'], { state: 'answered' }>;

/** What the server says of a link that was answered, changed. */
function change(to: (answered: Answered) => Answered): void {
  stage.server.answerRest = (operation, body) => {
    if (operation !== 'readLink') return body;
    const state = body as RestOutput<'readLink'>['body'];
    return state.state === 'answered' ? to(state) : state;
  };
}

describe('linking', () => {
  test('goes on as the same device when the answer was lost, also when the time of the link is over by then', async () => {
    const ann = await stage.connected();
    for (const timeIsOver of [false, true]) {
      const directory = stage.directory();
      stage.server.answerRest = (operation, body) => (operation === 'finishLink' ? undefined : body);
      await expect(linkedTo(ann, directory)).rejects.toMatchObject({ code: 'offline' });
      const before = stage.server.directory.view(ann.accountId).devices;
      if (timeIsOver) links.clear();
      stage.server.answerRest = (_, body) => body;
      const device = await stage.open({ directory, link: { onCode: () => undefined } });
      expect(stage.server.directory.view(ann.accountId).devices).toEqual(before);
      expect([device.accountId, device.deviceId]).toEqual([ann.accountId, before.at(-1)?.deviceId]);
    }
  });

  test('asks for the account’s conversations until the server answers, on one connection', async () => {
    const [ann, bob] = [await stage.connected(), await stage.connected()];
    const { conversationId } = await ann.conversationWith(bob.handle);
    let asked = 0;
    stage.server.answerRest = (operation, body) => {
      if (operation !== 'listConversations') return body;
      asked += 1;
      return asked < 3 ? undefined : body;
    };
    const device = await linkedTo(ann);
    const states: string[] = [];
    device.on('status', ({ state }) => states.push(state));
    device.connect();
    await eventually(() => expect(device.conversations().map((of) => of.conversationId)).toEqual([conversationId]));
    expect([asked, states]).toEqual([3, ['connecting', 'online']]);
  });

  test('shows a new code when nobody took the first one in its time', async () => {
    const ann = await stage.connected();
    const codes: string[] = [];
    const onCode = (code: string) => {
      codes.push(code);
      if (codes.length === 1) links.delete(decodeLinkCode(code).linkId);
      else void ann.devices.link(code);
    };
    const device = await stage.open({ directory: stage.directory(), link: { onCode } });
    expect([new Set(codes).size, device.accountId]).toEqual([2, ann.accountId]);
  });

  test('does not join what the server makes of the account', async () => {
    const [ann, eve] = [await stage.connected(), await stage.connected()];
    const untrusted = { code: 'untrusted_server' };
    change((answered) => ({ ...answered, account: stage.server.directory.view(eve.accountId) }));
    await expect(linkedTo(ann)).rejects.toMatchObject(untrusted);
    change((answered) => ({
      ...answered,
      account: { ...answered.account, devices: [...answered.account.devices, { deviceId: 9, registrationId: 9 }] } as never,
    }));
    await expect(linkedTo(ann)).rejects.toMatchObject(untrusted);
    change((answered) => ({ ...answered, account: { ...answered.account, deviceList: { ...answered.account.deviceList, version: 0 } } }));
    await expect(linkedTo(ann)).rejects.toMatchObject(untrusted);
    change((answered) => ({ ...answered, sealed: Buffer.alloc(answered.sealed.byteLength, 1) }));
    await expect(linkedTo(ann)).rejects.toMatchObject({ code: 'undecryptable' });
    expect(stage.server.directory.view(ann.accountId).devices).toHaveLength(1);
  });
});
