import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { type Device, type DeviceEvents, type Message } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { Subscriber } from '../support/push-service.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await TestServer.start({ each: 1 });
}, 120_000);
afterEach(() => live.end());
afterAll(() => server.stop());

/** Two devices, and the conversation of both. */
async function pair() {
  const [one, other] = [live.handle(), live.handle()];
  const directory = live.directory();
  const [alice, bob] = [await live.open(live.directory(), one), await live.open(directory, other)];
  const { conversationId } = await alice.conversationWith(other);
  return { alice, bob, bobsDirectory: directory, conversationId };
}

const texts = (messages: readonly Message[]) => messages.map(({ content }) => (content.type === 'text' ? content.text : content.type));
const say = (device: Device, conversationId: Message['conversationId'], text: string) => device.send(conversationId, { type: 'text', text });

describe('two devices of the SDK', () => {
  test('see the same messages in the same order, and the sender sees them delivered and read', async () => {
    const { alice, bob, conversationId } = await pair();
    const heard: DeviceEvents['message'][] = [];
    bob.on('message', (message) => heard.push(message));
    for (let number = 0; number < 20; number += 1) await say(alice, conversationId, `from alice ${number}`);
    await eventually(() => expect(heard).toHaveLength(20));
    expect(heard[0]?.conversation).toMatchObject({ peer: { accountId: alice.accountId, handle: alice.handle } });
    for (let number = 0; number < 20; number += 1) await say(bob, conversationId, `from bob ${number}`);
    await bob.markRead(conversationId);
    await eventually(() => {
      expect(alice.messages(conversationId)).toHaveLength(40);
      expect(bob.messages(conversationId)).toHaveLength(40);
      expect(alice.messages(conversationId).filter(({ state }) => state === 'read')).toHaveLength(20);
    });
    expect(texts(alice.messages(conversationId))).toEqual(texts(bob.messages(conversationId)));
    expect(alice.safetyNumber(bob.accountId)).toEqual(expect.objectContaining({ digits: bob.safetyNumber(alice.accountId)?.digits }));
  });

  test('what is sent while the other is away arrives when it returns, once and in order', async () => {
    const { alice, bob, bobsDirectory, conversationId } = await pair();
    await say(alice, conversationId, 'first');
    await eventually(() => expect(bob.messages(conversationId)).toHaveLength(1));
    await live.close(bob);
    for (let number = 0; number < 50; number += 1) await say(alice, conversationId, `while away ${number}`);
    await alice.idle();
    expect(alice.messages(conversationId).at(-1)?.state).toBe('accepted');
    const back = await live.open(bobsDirectory);
    await eventually(() => expect(back.messages(conversationId)).toHaveLength(51));
    expect(texts(back.messages(conversationId))).toEqual(texts(alice.messages(conversationId)));
    await eventually(() => expect(back.status.state).toBe('online'));
    await eventually(() => expect(alice.messages(conversationId).at(-1)?.state).toBe('delivered'));
  });

  test('what is sent while the server is down is kept, and accepted once when it is back', async () => {
    const { alice, bob, conversationId } = await pair();
    await say(alice, conversationId, 'before');
    await alice.idle();
    await server.kill();
    for (let number = 0; number < 10; number += 1) await say(alice, conversationId, `meanwhile ${number}`);
    expect(alice.messages(conversationId).filter(({ state }) => state === 'pending')).toHaveLength(10);
    await server.restart();
    await alice.idle();
    await eventually(() => expect(bob.messages(conversationId)).toHaveLength(11));
    expect(texts(bob.messages(conversationId))).toEqual(['before', ...Array.from({ length: 10 }, (_, number) => `meanwhile ${number}`)]);
  }, 60_000);

  test('a first message from somebody unknown comes with the name of who it is', async () => {
    const { alice, bob } = await pair();
    const stranger = await live.open(live.directory(), live.handle());
    const heard = new Promise<DeviceEvents['message']>((hear) => void bob.on('message', hear));
    const { conversationId } = await stranger.conversationWith(bob.handle);
    await say(stranger, conversationId, 'hello');
    expect((await heard).conversation).toEqual({
      ...{ kind: 'direct', conversationId },
      peer: { accountId: stranger.accountId, handle: stranger.handle },
    });
    expect(bob.conversations()).toContainEqual(expect.objectContaining({ peer: { accountId: stranger.accountId, handle: stranger.handle } }));
    expect(alice.conversations()).toHaveLength(1);
  });
});

describe('a device directory', () => {
  test('goes on with the same account when the server did not answer its registration', async () => {
    const directory = live.directory();
    const handle = live.handle();
    await server.kill();
    await expect(live.open(directory, handle)).rejects.toMatchObject({ code: 'offline' });
    await server.restart();
    const device = await live.open(directory);
    expect(device.handle).toBe(handle);
  }, 60_000);

  test('takes another handle when the first one is taken', async () => {
    const { alice } = await pair();
    const directory = live.directory();
    await expect(live.open(directory, alice.handle)).rejects.toMatchObject({ code: 'conflict' });
    const handle = live.handle();
    expect((await live.open(directory, handle)).handle).toBe(handle);
  });

  test('belongs to one handle and to one process', async () => {
    const { bob, bobsDirectory } = await pair();
    await expect(live.open(bobsDirectory)).rejects.toMatchObject({ code: 'directory_in_use' });
    await live.close(bob);
    await expect(live.open(bobsDirectory, 'somebody-else')).rejects.toMatchObject({ code: 'other_device' });
  });

  test('says so when nobody has the handle that one wants to write to', async () => {
    const { alice } = await pair();
    await expect(alice.conversationWith('nobody-at-all')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a subscription for pushes', () => {
  test('is refused for a place that only the server itself, or its network, can reach', async () => {
    const { alice } = await pair();
    for (const place of [
      'https://127.0.0.1/x',
      'https://[::ffff:10.1.2.3]/x',
      'https://169.254.169.254/x',
      'https://localhost/x',
      'http://push.example/x',
    ]) {
      const refused = alice.push.subscribe(new Subscriber(place).subscription);
      await expect(refused).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'endpoint' } });
    }
    await alice.push.subscribe(new Subscriber('https://push.example/x').subscription);
    await alice.push.unsubscribe();
  });
});

describe('the echo bot of the README', () => {
  test('answers', async () => {
    const { alice } = await pair();
    const bot = spawn(process.execPath, [resolve('dist/examples/echo-bot.js'), server.publicUrl, live.directory()], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] },
    });
    try {
      await once(bot.stdout, 'data');
      const { conversationId } = await eventually(() => alice.conversationWith('echo'));
      await say(alice, conversationId, 'hello bot');
      await eventually(() => expect(texts(alice.messages(conversationId))).toEqual(['hello bot', 'You said: hello bot']));
    } finally {
      bot.kill();
      await once(bot, 'exit');
    }
  });
});
