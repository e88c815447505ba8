import { afterEach, beforeAll, expect, test } from '@jest/globals';

import { workflowDetail, workflowList } from '../../protocol/rest/workflow-view.js';
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

const workflows = (...args: readonly string[]) =>
  runNode(['dist/cli/main.js', 'workflows', ...args, '--server', server.adminUrl], { env: server.operatorEnvironment }).ended;

/** `account.device` of a device that was away, got a message and came back. */
async function drainedDevice(): Promise<string> {
  const [aliceHandle, bobHandle] = [live.handle(), live.handle()];
  const bobsDirectory = live.directory();
  const [alice, bob] = [await live.open(live.directory(), aliceHandle), await live.open(bobsDirectory, bobHandle)];
  const { conversationId } = await alice.conversationWith(bobHandle);
  await live.close(bob);
  const { messageId } = await alice.send(conversationId, { type: 'text', text: 'for when you are back' });
  await eventually(async () => expect((await alice.explain(messageId)).accounts[0]?.state).toBe('queued'));
  const back = await live.open(bobsDirectory);
  await eventually(() => expect(back.messages(conversationId)).toHaveLength(1));
  return `${bob.accountId}.${bob.deviceId}`;
}

test('an operator finds the drain of a device, and what it did', async () => {
  const device = await drainedDevice();
  await eventually(async () => {
    const { code, stdout, stderr } = await workflows('--device', device, '--status', 'completed');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^started +status +took +type +workflow +for\n\S+Z +completed +\S+ s +drainWave +drain\/\S+ +drain of .*1 device/);
  }, 20_000);
  const { stdout: listed } = await workflows('--device', device, '--type', 'drainWave', '--limit', '1', '--json');
  const [view] = workflowList.parse(JSON.parse(listed)).workflows;
  const { code, stdout } = await workflows(view?.workflowId ?? '');
  expect(code).toBe(0);
  for (const part of [view?.workflowId, 'delivers what waited', 'completed', 'done, ', 'inbox empty, session live: ']) expect(stdout).toContain(part);
  const detail = workflowDetail.parse(JSON.parse((await workflows(view?.workflowId ?? '', '--json')).stdout));
  expect(detail).toMatchObject({ ...view, activities: [], events: expect.any(Number) });
}, 60_000);

test.each([
  { when: 'there is none', args: ['drain/nowhere/1/1'], says: 'no such workflow' },
  { when: 'a status is unknown', args: ['--status', 'lost'], says: 'status' },
  { when: 'a device is none', args: ['--device', 'bob'], says: 'device' },
])('it says so when $when', async ({ args, says }) => {
  expect(await workflows(...args)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(says) });
});

test('nothing found is an answer', async () => {
  expect(await workflows('--gateway', 'no-such-gateway')).toMatchObject({ code: 0, stdout: 'no such workflows\n' });
});
