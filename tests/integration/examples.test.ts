import { once } from 'node:events';
import { resolve } from 'node:path';

import { afterEach, beforeAll, expect, test } from '@jest/globals';

import type { Device, Message } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { runNode, type RunningProgram } from '../support/run-program.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
const live = new LiveDevices(() => server.publicUrl);
const running: RunningProgram[] = [];

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterEach(async () => {
  for (const { process, ended } of running.splice(0)) {
    process.kill();
    await ended;
  }
  await live.end();
});

/** A program of examples/ on a device directory of its own. */
function example(name: string, ...args: string[]): RunningProgram {
  const program = runNode([resolve('dist', 'examples', `${name}.js`), server.publicUrl, live.directory(), ...args]);
  running.push(program);
  return program;
}

const person = () => live.open(live.directory(), live.handle());
const texts = (messages: readonly Message[]) => messages.flatMap(({ content }) => (content.type === 'text' ? [content.text] : []));
const says = (device: Device, { conversationId }: Pick<Message, 'conversationId'>, text: string) =>
  device.send(conversationId, { type: 'text', text });

test('the group bot joins by an invite, greets who comes, and reacts', async () => {
  const [alice, bob] = [await person(), await person()];
  const group = await alice.groups.create({ title: 'Greetings', members: [] });
  example('group-bot', await alice.groups.makeInvite(group.conversationId));
  await eventually(() => {
    expect(texts(alice.messages(group.conversationId))).toEqual(['Hello, I greet whoever comes.']);
  }, 15_000);
  await alice.groups.add(group.conversationId, [bob.handle]);
  await eventually(() => {
    expect(texts(alice.messages(group.conversationId))).toContain(`Welcome, ${bob.handle}!`);
  });
  const { messageId } = await says(bob, group, 'hello all');
  await eventually(() => {
    expect(bob.message(group.conversationId, messageId)?.reactions).toMatchObject([{ emoji: '👋' }]);
  });
});

test('the poll bot asks, says how a poll goes, and says what it could not ask', async () => {
  const [alice, bob] = [await person(), await person()];
  const bot = example('poll-bot');
  await eventually(() => {
    expect(bot.stdout()).toContain('pollster is online');
  }, 15_000);
  const group = await alice.groups.create({ title: 'Lunch', members: [bob.handle, 'pollster'] });
  await says(alice, group, '/poll Lunch? | pizza');
  await eventually(() => {
    expect(texts(bob.messages(group.conversationId)).at(-1)).toMatch(/^\/poll QUESTION \| ONE \| OTHER, please \(options: /);
  });
  await says(alice, group, '/poll Lunch? | pizza | pasta');
  for (const [device, choice] of [
    [alice, 1],
    [bob, 0],
  ] as const) {
    const poll = await eventually(() => {
      const found = device.messages(group.conversationId).find(({ content }) => content.type === 'poll');
      if (found === undefined) throw new Error('no poll yet');
      return found;
    });
    await device.send(group.conversationId, { type: 'poll-vote', messageId: poll.messageId, choices: [choice] });
  }
  await eventually(() => {
    expect(texts(alice.messages(group.conversationId))).toContain('pizza: 1, pasta: 1');
  });
});

test('the bridge sends what it reads, shows how far it got, and ends when its input does', async () => {
  const alice = await person();
  const bridge = example('bridge', alice.handle);
  bridge.process.stdin?.write('first line\nsecond line\n');
  const heard = await eventually(() => {
    const [conversation] = alice.conversations();
    if (conversation === undefined) throw new Error('nothing came yet');
    expect(texts(alice.messages(conversation.conversationId))).toEqual(['first line', 'second line']);
    return conversation;
  }, 15_000);
  await alice.markRead(heard.conversationId);
  await eventually(() => {
    expect(bridge.stdout()).toContain('✓✓ read second line');
  });
  for (const tick of ['…', '✓']) expect(bridge.stdout()).toContain(`${tick} first line`);
  bridge.process.stdin?.end();
  expect(await bridge.ended).toMatchObject({ code: 0, stderr: '' });
});

test('the second device shows a code, becomes a device of the account, and goes when it is unlinked', async () => {
  const [alice, bob] = [await person(), await person()];
  const second = example('second-device');
  const code = await eventually(() => {
    const [, shown] = /^code (\S+)$/m.exec(second.stdout()) ?? [];
    if (shown === undefined) throw new Error('no code yet');
    return shown;
  }, 15_000);
  const { checkDigits } = await alice.devices.link(code);
  await eventually(() => {
    expect(second.stdout()).toContain(`both devices show ${checkDigits}`);
    expect(second.stdout()).toContain('second device (this one)');
  });
  await says(bob, await bob.conversationWith(alice.handle), 'hello both');
  await eventually(() => {
    expect(second.stdout()).toContain(`${bob.handle}: hello both`);
  });
  const exit = once(second.process, 'exit');
  for (const { deviceId, name } of await alice.devices.list()) if (name === 'second device') await alice.devices.unlink(deviceId);
  await eventually(() => {
    expect(second.stdout()).toContain('this device was unlinked');
  });
  second.process.kill();
  await exit;
});
