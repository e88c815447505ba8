import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { ChatSession } from '../../cli/chat/chat-session.js';
import { TerminalScreen } from '../../cli/chat/terminal-screen.js';
import { directConversationId } from '../../protocol/ids.js';
import { DeviceStage } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { addressOf } from '../support/pen-pal.js';
import { VirtualTerminal } from '../support/virtual-terminal.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterAll(() => stage.end());

test('the prompt says whether the other one is there and types, and the other one is told what is typed here', async () => {
  const bob = await stage.party();
  const { accountId } = bob.address;
  const device = await stage.open({ handle: stage.handle() });
  const terminal = new VirtualTerminal(80, 24);
  const session = new ChatSession(device, new TerminalScreen(terminal.keys, terminal));
  session.listen();
  const over = session.run('person-1');
  const conversationId = directConversationId(device.accountId, accountId);
  const { company } = stage.server;
  await eventually(() => expect(company).toMatchObject([{ type: 'watch', accounts: [accountId] }]));
  const push = (...frames: readonly object[]) => stage.server.push(addressOf(device), ...frames);
  const prompt = (text: string) => eventually(() => expect(terminal.text.split('\n').at(-1)).toBe(text));
  await prompt('person-1>');
  push({ type: 'presence', accountId, online: true });
  await prompt('person-1 (online)>');
  push({ type: 'typing', conversationId, accountId, state: 'started' });
  await prompt('person-1 (typing…)>');
  push({ type: 'presence', accountId, online: false, lastSeenMs: Date.now() }, { type: 'typing', conversationId, accountId, state: 'stopped' });
  await eventually(() => expect(terminal.text).toMatch(/person-1 \(last seen \d\d:\d\d\)>$/));
  terminal.keys.write('he');
  await eventually(() => expect(company.slice(1)).toMatchObject([{ type: 'typing', conversationId, state: 'started' }]));
  terminal.keys.write('\u007f\u007f');
  await eventually(() => expect(company.slice(2)).toMatchObject([{ type: 'typing', conversationId, state: 'stopped' }]));
  terminal.keys.write('/help');
  terminal.keys.write('\r/quit\r');
  await over;
  expect(company).toHaveLength(3);
});
