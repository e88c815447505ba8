import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { DomainError } from '../../protocol/errors.js';
import type { RestInput } from '../../protocol/rest/contract.js';
import { DeviceStage } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

describe('a registration', () => {
  test('whose answer was lost goes on with the same account, keys and secret', async () => {
    const [directory, handle] = [stage.directory(), stage.handle()];
    const asked: RestInput<'registerAccount'>['body'][] = [];
    const { registerAccount } = stage.server.directory.handlers;
    if (registerAccount === undefined) throw new Error('not scripted');
    stage.server.directory.handlers.registerAccount = (input, caller) => {
      asked.push(input.body);
      return registerAccount(input, caller);
    };
    stage.server.answerRest = () => undefined;
    await expect(stage.open({ directory, handle })).rejects.toMatchObject({ code: 'offline' });
    stage.server.answerRest = (_, body) => body;
    const device = await stage.open({ directory, handle });
    expect(asked).toHaveLength(2);
    expect(asked[1]).toEqual(asked[0]);
    expect(device.accountId).toBe(asked[0]?.accountId);
    device.connect();
    await eventually(() => expect(device.status.state).toBe('online'));
  });

  test('that is refused leaves a directory that can register under another handle', async () => {
    const directory = stage.directory();
    const taken = await stage.open({ handle: stage.handle() });
    await expect(stage.open({ directory, handle: taken.handle })).rejects.toMatchObject({ code: 'conflict' });
    const handle = stage.handle();
    expect((await stage.open({ directory, handle })).handle).toBe(handle);
  });

  test('needs a handle, and an address', async () => {
    await expect(stage.open()).rejects.toMatchObject({ code: 'not_registered' });
    await expect(stage.open({ server: 'localhost:8080', handle: stage.handle() })).rejects.toMatchObject({ code: 'offline' });
  });

  test('is not done twice: the device of a directory opens without the server', async () => {
    const [directory, handle] = [stage.directory(), stage.handle()];
    const { accountId, ...made } = await stage.open({ directory, handle }).then(async (device) => {
      await stage.close(device);
      return { accountId: device.accountId, deviceId: device.deviceId };
    });
    stage.server.answerRest = () => {
      throw new DomainError('unavailable', 'the server is away');
    };
    const again = await stage.open({ directory });
    expect({ accountId: again.accountId, deviceId: again.deviceId }).toEqual({ accountId, ...made });
    await stage.close(again);
    await expect(stage.open({ directory, handle: 'somebody-else' })).rejects.toMatchObject({ code: 'other_device' });
  });

  test('signs the list of the account of its one device', async () => {
    const device = await stage.open({ handle: stage.handle() });
    const bob = await stage.connected();
    const { conversationId } = await bob.conversationWith(device.handle);
    await bob.send(conversationId, { type: 'text', text: 'hello' });
    await bob.idle();
    expect(bob.messages(conversationId).map(({ state }) => state)).toEqual(['accepted']);
  });
});
