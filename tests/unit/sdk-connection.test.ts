import { createServer } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { closeCodes } from '../../protocol/close-codes.js';
import { DomainError } from '../../protocol/errors.js';
import { openDevice } from '../../sdk/index.js';
import { defaultReconnect, nextStep, type Ended } from '../../sdk/transport/reconnect-rules.js';
import { DeviceStage, heard } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import { addressOf } from '../support/pen-pal.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.answerRest = (_, body) => body;
  stage.server.refuseHello = () => undefined;
  stage.server.judge = () => 'accept';
});
afterAll(() => stage.end());

describe('a device stays connected', () => {
  test('after a broken connection, with a higher number each time, also after a restart', async () => {
    const directory = stage.directory();
    const device = await stage.connected({ directory });
    const from = stage.server.connections.length;
    await eventually(() => expect(device.status.state).toBe('online'));
    stage.server.cut(addressOf(device));
    await eventually(() => expect(stage.server.connections).toHaveLength(from + 2));
    await stage.close(device);
    const again = await stage.open({ directory });
    again.connect();
    await eventually(() => expect(again.status.state).toBe('online'));
    expect(stage.server.connections.slice(from)).toEqual([1, 2, 3]);
  });

  test('when the network answers with pages of its own for a while', async () => {
    const device = await stage.open({ handle: stage.handle() });
    const stopped = heard(device, 'stopped');
    let pages = 0;
    stage.server.answerRest = (operation, body) => (operation === 'issueToken' && ++pages < 3 ? '<html>Please log in</html>' : body);
    device.connect();
    await eventually(() => expect(device.status.state).toBe('online'));
    expect(stopped).toEqual([]);
  });

  test('when a connection with a higher number displaced it', async () => {
    const device = await stage.open({ handle: stage.handle() });
    let displaced = 0;
    stage.server.refuseHello = () => (++displaced < 3 ? closeCodes.displaced.code : undefined);
    device.connect();
    await eventually(() => expect(device.status.state).toBe('online'));
  });

  test('until the server ends it for good, and says why', async () => {
    const device = await stage.open({ handle: stage.handle() });
    const stopped = heard(device, 'stopped');
    stage.server.refuseHello = () => closeCodes.deviceUnlinked.code;
    device.connect();
    await eventually(() => expect(stopped).toEqual([{ error: expect.objectContaining({ code: 'stopped' }) }]));
    expect(device.status).toMatchObject({ state: 'offline', final: true, reason: expect.stringContaining('unlinked') });
  });

  test('until its secret is refused', async () => {
    const device = await stage.open({ handle: stage.handle() });
    stage.server.answerRest = () => {
      throw new DomainError('unauthenticated', 'no such device');
    };
    device.connect();
    await eventually(() => expect(device.status).toMatchObject({ state: 'offline', final: true }));
  });

  test('and comes back at once when somebody asks for it', async () => {
    const device = await stage.open({ handle: stage.handle(), reconnect: { baseMs: 60_000, capMs: 60_000, spreadMs: 60_000 } });
    device.connect();
    await eventually(() => expect(device.status.state).toBe('online'));
    stage.server.cut(addressOf(device));
    await eventually(() => expect(device.status).toMatchObject({ state: 'offline', final: false }));
    device.retryNow();
    await eventually(() => expect(device.status.state).toBe('online'));
  });
});

describe('a server that lets devices in one after the other', () => {
  test('is shown the ticket of the turn that it gave, until the device is in', async () => {
    const turns = [{ type: 'reconnect', afterMs: 5, reason: 'overloaded', ticket: 'first' } as const, closeCodes.helloTimeout.code, undefined];
    const before = stage.server.tickets.length;
    stage.server.refuseHello = () => turns.shift();
    const device = await stage.connected();
    await eventually(() => expect(device.status.state).toBe('online'));
    stage.server.cut(addressOf(device));
    await eventually(() => expect(stage.server.tickets.length).toBe(before + 4));
    expect(stage.server.tickets.slice(before)).toEqual([undefined, 'first', 'first', undefined]);
  });
});

describe('a server that is stuck', () => {
  test('does not keep a request for ever: what was asked is asked again on another connection', async () => {
    const bob = await stage.party();
    const connection = { answerMs: 20, requestTimeoutMs: 60 };
    const alice = await stage.connected({ connection });
    const conversationId = stage.server.directory.openConversation(alice.accountId, bob.address.accountId);
    let silent = 0;
    stage.server.judge = () => (++silent < 3 ? 'silence' : 'accept');
    const { messageId } = await alice.send(conversationId, { type: 'text', text: 'anybody?' });
    await alice.idle();
    // An answer that is late is asked for once more.
    const attempts = stage.server.sends.filter((sent) => sent.messageId === messageId).map(({ attempt }) => attempt);
    expect(attempts.length).toBeGreaterThanOrEqual(3);
    expect(attempts).toEqual(attempts.map((_, index) => index + 1));
  });

  test('does not keep a device from closing', async () => {
    const device = await stage.connected();
    const directory = stage.directory();
    const { accountId } = await stage.open({ directory, handle: stage.handle() }).then(async (made) => {
      await stage.close(made);
      return made;
    });
    const hole = createServer(() => undefined).listen(0, '127.0.0.1');
    await eventually(() => expect(hole.listening).toBe(true));
    const address = hole.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const stuck = await openDevice({ server: `http://127.0.0.1:${port}`, directory });
    expect(stuck.accountId).toBe(accountId);
    stuck.connect();
    const fromMs = performance.now();
    await stuck.close();
    expect(performance.now() - fromMs).toBeLessThan(5_000);
    hole.close();
    await device.close();
    await device.close();
  });
});

describe('the next step after a connection', () => {
  const ended = (changes: Partial<Ended>): Ended => ({ code: 1006, welcomed: true, failedTries: 0, freshToken: true, ...changes });
  const step = (changes: Partial<Ended>, random = 0.5) => nextStep(ended(changes), defaultReconnect, random);

  test('waits at random up to the cap, doubled with each failed try', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (failedTries, random) => {
        const next = step({ welcomed: false, failedTries }, random);
        const { baseMs, capMs } = defaultReconnect;
        expect(next).toEqual({ step: 'reconnect', afterMs: random * Math.min(capMs, baseMs * 2 ** failedTries), renewToken: false });
      }),
    );
  });

  test('spreads the devices of a server that was lost', () => {
    expect(step({ code: closeCodes.goingAway.code }, 0.9)).toMatchObject({ afterMs: 27_000 });
    expect(step({ code: 1006 }, 0.1)).toMatchObject({ afterMs: 3_000 });
  });

  test('keeps to the slot that the server gave, and does not come before the time that it named', () => {
    expect(step({ code: closeCodes.overloaded.code, slotMs: 7_000 })).toMatchObject({ afterMs: 7_000 });
    expect(step({ code: closeCodes.overloaded.code, welcomed: false, retryAfterMs: 90_000 })).toMatchObject({ afterMs: 90_000 });
  });

  test('renews a token that was refused, once: a fresh one that is refused is the end', () => {
    expect(step({ code: closeCodes.unauthenticated.code, freshToken: false, welcomed: false })).toMatchObject({
      step: 'reconnect',
      renewToken: true,
    });
    expect(step({ code: closeCodes.tokenExpired.code, freshToken: false })).toEqual({ step: 'reconnect', afterMs: 0, renewToken: true });
    expect(step({ code: closeCodes.unauthenticated.code, welcomed: false })).toEqual({ step: 'stop' });
  });

  test('is what the table of close codes says', () => {
    for (const [reason, { code }] of Object.entries(closeCodes)) {
      const goesOn = code < 4500 || reason === 'displaced';
      expect([reason, step({ code }).step]).toEqual([reason, goesOn ? 'reconnect' : 'stop']);
    }
  });
});
