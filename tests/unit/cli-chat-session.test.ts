import { PassThrough } from 'node:stream';
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { ChatSession } from '../../cli/chat/chat-session.js';
import { createScreen } from '../../cli/chat/create-screen.js';
import { encodeEvent, type ConversationEvent } from '../../protocol/conversation-event.js';
import type { ConversationId } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { DeviceStage } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { newMessageId } from '../support/ids.js';
import { addressOf } from '../support/pen-pal.js';
import type { SdkParty } from '../support/sdk-party.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterAll(() => stage.end());

const conversationId = v7() as ConversationId;
const eventOf = ({ address }: SdkParty, event: ConversationEvent, position: number): DeliverItem => ({
  ...{ conversationId, position: position, messageId: newMessageId(), acceptedAtMs: Date.now(), sender: address },
  ...{ kind: 'event', body: encodeEvent(event) },
});

test('what came is shown in its order, though the name of who was first is told last', async () => {
  const [first, second] = [await stage.party(), await stage.party()];
  const device = await stage.open({ handle: stage.handle() });
  const output = new PassThrough({ encoding: 'utf8' });
  const session = new ChatSession(device, createScreen(new PassThrough().end(), output));
  session.listen();
  let names = 0;
  stage.server.answerRest = async (operation, body) => {
    if (operation === 'getAccount' && (names += 1) === 1) await setTimeout(300);
    return body;
  };
  let shown = '';
  output.on('data', (text: string) => (shown += text));
  await session.run(undefined);
  await eventually(() => expect(device.status.state).toBe('online'));
  stage.server.deliver(addressOf(device), [
    eventOf(first, { type: 'created', version: 1, members: [device.accountId, second.address.accountId] }, 1),
    eventOf(second, { type: 'member-left', version: 2, member: second.address.accountId }, 2),
  ]);
  await eventually(() => expect(shown).toMatch(/person-1 made the group.*\n.*person-2 left/));
});
