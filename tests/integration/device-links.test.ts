import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { LinkId } from '../../protocol/ids.js';
import { workflowList } from '../../protocol/rest/workflow-view.js';
import { openDevice, type ConversationId, type Device } from '../../sdk/index.js';
import { decodeLinkCode } from '../../sdk/linking/link-code.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { runNode } from '../support/run-program.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterEach(() => live.end());

const person = () => live.open(live.directory(), live.handle());
const stageOf = async (device: Device, linkId: LinkId) => (await device.devices.linkProgress(linkId)).stage;
const texts = (device: Device, conversationId: ConversationId) =>
  device.messages(conversationId).map(({ content }) => (content.type === 'text' ? content.text : content.type));

const workflows = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await runNode(['dist/cli/main.js', 'workflows', ...args, '--server', server.adminUrl], {
    env: server.operatorEnvironment,
  }).ended;
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

/** A device that waits to be linked, once it shows its code, and the code. */
async function waiting(directory = live.directory()) {
  const stop = new AbortController();
  const codes: string[] = [];
  const opening = openDevice({ server: server.publicUrl, directory, link: { onCode: (code) => codes.push(code), signal: stop.signal } });
  opening.catch(() => undefined);
  await eventually(() => expect(codes).toHaveLength(1));
  return { opening, codes, code: codes[0] ?? '', stop };
}

describe('a link of a device', () => {
  test('is followed by a workflow until the new device has what was said before; both devices and an operator see how far it is', async () => {
    const [ann, bob] = await Promise.all([person(), person()]);
    const { conversationId } = await ann.conversationWith(bob.handle);
    await ann.send(conversationId, { type: 'text', text: 'before' });
    await ann.idle();
    const { opening, code } = await waiting();
    const { linkId } = await ann.devices.link(code);
    expect(linkId).toBe(decodeLinkCode(code).linkId);
    const tablet = await opening;
    // It has joined, and is not connected.
    expect(await ann.devices.linkProgress(linkId)).toEqual({ stage: 'joined', deviceId: 2 });
    const ofAccount = ['--type', 'deviceLink', '--account', ann.accountId];
    await eventually(
      async () => expect(await workflows(...ofAccount)).toMatch(/running +deviceLink +device-link\/\S+ +link of a new device/),
      20_000,
    );
    const [workflow] = workflowList.parse(JSON.parse(await workflows(...ofAccount, '--json'))).workflows;
    expect(workflow?.workflowId).toBe(`device-link/${linkId}`);
    const details = () => workflows(`device-link/${linkId}`);
    await eventually(async () => expect(await details()).toContain('waits for what was said before'), 10_000);
    tablet.connect();
    await eventually(() => expect(texts(tablet, conversationId)).toEqual(['before']), 20_000);
    for (const device of [ann, tablet]) await eventually(async () => expect(await stageOf(device, linkId)).toBe('done'));
    await expect(bob.devices.linkProgress(linkId)).rejects.toMatchObject({ code: 'not_found' });
    await eventually(async () => expect(await details()).toContain('has what it wants of what was said before'), 20_000);
    await expect(ann.devices.cancelLink(linkId)).rejects.toMatchObject({ code: 'conflict' });
    await tablet.close();
  }, 90_000);

  test('waits for nothing if the new device wants nothing, or its account has said nothing', async () => {
    const [ann, bob] = await Promise.all([person(), person()]);
    const first = await waiting();
    const { linkId } = await ann.devices.link(first.code);
    const tablet = await first.opening;
    tablet.connect();
    await eventually(async () => expect(await stageOf(ann, linkId)).toBe('done'), 20_000);
    await tablet.close();
    const codes: string[] = [];
    const onCode = (code: string) => {
      codes.push(code);
      void bob.devices.link(code);
    };
    const laptop = await openDevice({ server: server.publicUrl, directory: live.directory(), link: { onCode, history: false } });
    expect(await stageOf(bob, decodeLinkCode(codes[0] ?? '').linkId)).toBe('done');
    await laptop.close();
  }, 60_000);

  test('is over when the account takes its answer back; the device shows another code, by which it joins', async () => {
    const ann = await person();
    const directory = live.directory();
    const { code, stop, opening } = await waiting(directory);
    stop.abort(new Error('not now'));
    await expect(opening).rejects.toThrow('not now');
    const { linkId } = await ann.devices.link(code);
    expect(await stageOf(ann, linkId)).toBe('answered');
    await ann.devices.cancelLink(linkId);
    expect(await stageOf(ann, linkId)).toBe('over');
    const again = await waiting(directory);
    expect(again.code).not.toBe(code);
    await ann.devices.link(again.code);
    const tablet = await again.opening;
    expect([tablet.accountId, (await ann.devices.list()).length]).toEqual([ann.accountId, 2]);
    await tablet.close();
    await eventually(async () => expect(await workflows(`device-link/${linkId}`)).toMatch(/completed[^]*nobody joined/), 30_000);
  }, 60_000);
});
