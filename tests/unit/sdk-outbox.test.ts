import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { SendFrame } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { Device } from '../../sdk/index.js';
import { DeviceStage, heard, receiveAs, textsOf } from '../support/device-stage.js';
import { eventually } from '../support/eventually.js';
import type { Verdict } from '../support/scripted-server.js';
import type { SdkParty } from '../support/sdk-party.js';

let stage: DeviceStage;

beforeAll(async () => {
  stage = await DeviceStage.start();
});
afterEach(() => {
  stage.server.judge = () => 'accept';
  stage.server.answerRest = (_, body) => body;
});
afterAll(() => stage.end());

async function aliceTo(...peers: readonly SdkParty[]) {
  const alice = await stage.connected();
  return { alice, conversations: peers.map((peer) => stage.server.directory.openConversation(alice.accountId, peer.address.accountId)) };
}

/** Alice, somebody, and the id of their conversation. */
async function pair() {
  const bob = await stage.party();
  const { alice, conversations } = await aliceTo(bob);
  return { alice, bob, conversationId: conversations[0] as ConversationId };
}

const say = (device: Device, conversationId: ConversationId, text: string) => device.send(conversationId, { type: 'text', text });

const held = (code: string): unknown => expect.objectContaining({ kind: 'sending-held', error: expect.objectContaining({ code }) });
const addressed = (send: SendFrame | undefined) =>
  new Map(send?.envelopes.map(({ to, content }) => [deviceKey(to), Buffer.from(content).toString('hex')]));
const at = (party: { readonly address: DeviceAddress }) => deviceKey(party.address);

describe('whatever the server does to sends', () => {
  const refusals = ['rate_limited', 'unavailable', 'internal'] as const;
  const verdict: fc.Arbitrary<Verdict> = fc.oneof(
    { arbitrary: fc.constantFrom<Verdict>('accept', 'accept-and-cut', 'cut'), weight: 3 },
    { arbitrary: fc.constantFrom(...refusals).map((code) => new DomainError(code, 'not now', { retryAfterMs: 1 })), weight: 2 },
  );
  const scenario = fc.record({ script: fc.array(verdict, { maxLength: 12 }), to: fc.array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 8 }) });

  test('each message is accepted once, in the order of its conversation, with the bytes of its first attempt, and no attempt comes twice', async () => {
    const peers = [await stage.party(), await stage.party()] as const;
    const { alice, conversations } = await aliceTo(...peers);
    const { server } = stage;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ script, to }) => {
        const [firstSend, firstLogged] = [server.sends.length, server.log.length];
        const before = peers.map((peer) => server.inbox(peer.address).length);
        const verdicts = [...script];
        server.judge = () => verdicts.shift() ?? 'accept';
        await Promise.all(to.map((peer, index) => say(alice, conversations[peer] as ConversationId, `${index}`)));
        await alice.idle();
        const sends = server.sends.slice(firstSend);
        const sentTo = (peer: number) => to.flatMap((of, index) => (of === peer ? [`${index}`] : []));
        for (const [index, peer] of peers.entries()) {
          const { messages, undecryptable } = await receiveAs(peer, server.inbox(peer.address).slice(before[index]));
          expect(undecryptable).toEqual([]);
          expect(textsOf(messages)).toEqual(sentTo(index));
        }
        expect(server.log.length - firstLogged).toBe(to.length);
        for (const id of new Set(sends.map(({ messageId }) => messageId))) {
          const attempts = sends.filter(({ messageId }) => messageId === id);
          // Some were lost before they arrived.
          expect(attempts.every(({ attempt }, index) => attempt > (attempts[index - 1]?.attempt ?? 0))).toBe(true);
          expect(new Set(attempts.map((send) => JSON.stringify([send.body, [...addressed(send)]]))).size).toBe(1);
        }
      }),
      { numRuns: 25 },
    );
    const messages = conversations.map((conversationId) => alice.messages(conversationId)).flat();
    expect(messages.every(({ state }) => state === 'accepted')).toBe(true);
  }, 60_000);

  test('a message that is refused for good fails with the reason, and the rest goes on', async () => {
    const { alice, conversationId } = await pair();
    const outgoing = heard(alice, 'outgoing');
    const refused = await say(alice, conversationId, 'refused');
    stage.server.judge = ({ messageId }) => (messageId === refused.messageId ? new DomainError('blocked', 'no') : 'accept');
    await say(alice, conversationId, 'fine');
    await alice.idle();
    expect(alice.messages(conversationId).map(({ state, failure }) => [state, failure])).toEqual([
      ['accepted', undefined],
      ['failed', 'blocked'],
    ]);
    expect(outgoing.filter(({ messageId }) => messageId === refused.messageId).map(({ state }) => state)).toEqual(['pending', 'failed']);
  });

  test('what is not accepted when the device closes goes out when it is opened again, and does not count as a first attempt', async () => {
    const bob = await stage.party();
    const directory = stage.directory();
    const alice = await stage.connected({ directory });
    const conversationId = stage.server.directory.openConversation(alice.accountId, bob.address.accountId);
    let reached = 0;
    stage.server.judge = () => {
      reached += 1;
      return 'cut';
    };
    await say(alice, conversationId, 'one');
    await say(alice, conversationId, 'two');
    await eventually(() => expect(reached).toBeGreaterThan(0));
    const idle = alice.idle();
    await Promise.all([expect(idle).rejects.toMatchObject({ code: 'closed' }), stage.close(alice)]);
    stage.server.judge = () => 'accept';
    const sentBefore = stage.server.sends.length;
    const again = await stage.open({ directory });
    expect(again.messages(conversationId).map(({ state }) => state)).toEqual(['pending', 'pending']);
    again.connect();
    await again.idle();
    expect(textsOf((await receiveAs(bob, stage.server.inbox(bob.address))).messages)).toEqual(['one', 'two']);
    expect(stage.server.sends.slice(sentBefore).map(({ attempt }) => attempt > 1)).toEqual([true, false]);
  });

  test('content that nobody could show or take is refused at once', async () => {
    const { alice, conversationId } = await pair();
    await expect(say(alice, conversationId, '')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(say(alice, conversationId, 'x'.repeat(65_536))).rejects.toMatchObject({ code: 'too_large' });
    expect(alice.messages(conversationId)).toEqual([]);
  });
});

describe('when the devices of a conversation are others than the device knew', () => {
  test('only those that the server names are sealed for anew', async () => {
    const bob = await stage.party();
    const { alice, conversations } = await aliceTo(bob);
    const [conversationId] = conversations as [ConversationId];
    const [second, third, anew] = [await stage.sibling(bob, 2), await stage.sibling(bob, 3), await stage.sibling(bob, 2)];
    stage.server.directory.enrol('bob', bob, second, third);
    await say(alice, conversationId, 'to three');
    await alice.idle();
    stage.server.directory.enrol('bob', bob, anew, await stage.sibling(bob, 4));
    const from = stage.server.sends.length;
    await say(alice, conversationId, 'to three others');
    await alice.idle();
    const [old, fitting] = stage.server.sends.slice(from).map(addressed);
    expect([...(old?.keys() ?? [])]).toEqual([at(bob), at(second), at(third)]);
    expect([...(fitting?.keys() ?? [])].sort()).toEqual([at(bob), at(anew), `${bob.address.accountId}.4`].sort());
    expect(fitting?.get(at(bob))).toBe(old?.get(at(bob)));
    expect(fitting?.get(at(anew))).not.toBe(old?.get(at(second)));
    const opened = await receiveAs(anew, stage.server.inbox(anew.address).slice(-1));
    expect(textsOf(opened.messages)).toEqual(['to three others']);
    expect(textsOf((await receiveAs(bob, stage.server.inbox(bob.address))).messages)).toEqual(['to three', 'to three others']);
  });

  test('a changed key of a verified account holds sending until it is approved, and nothing is lost', async () => {
    const { alice, bob, conversationId } = await pair();
    await say(alice, conversationId, 'before');
    await alice.idle();
    const { accountId } = bob.address;
    await alice.verify(accountId);
    const before = alice.safetyNumber(accountId)?.digits;
    const other = await stage.party(accountId);
    stage.server.directory.enrol('somebody', other);
    const notices = heard(alice, 'notice');
    await say(alice, conversationId, 'held');
    await say(alice, conversationId, 'held too');
    await eventually(() => expect(notices).toContainEqual(held('identity_changed')));
    expect(alice.messages(conversationId).map(({ state }) => state)).toEqual(['accepted', 'pending', 'pending']);
    expect(alice.safetyNumber(accountId)?.digits).not.toBe(before);
    await alice.approve(accountId);
    await alice.idle();
    expect(textsOf((await receiveAs(other, stage.server.inbox(other.address).slice(-2))).messages)).toEqual(['held', 'held too']);
  });

  test('a changed key of an account that was not verified is told, and sending goes on', async () => {
    const { alice, bob, conversationId } = await pair();
    await say(alice, conversationId, 'before');
    await alice.idle();
    const notices = heard(alice, 'notice');
    const other = await stage.party(bob.address.accountId);
    stage.server.directory.enrol('somebody', other);
    await say(alice, conversationId, 'after');
    await alice.idle();
    expect(notices).toContainEqual({ kind: 'identity-changed', accountId: bob.address.accountId });
    expect(textsOf((await receiveAs(other, stage.server.inbox(other.address).slice(-1))).messages)).toEqual(['after']);
  });
});

describe('a server that cannot be trusted', () => {
  const tampered = async (change: (operation: string, body: never) => unknown) => {
    const { alice, bob, conversationId } = await pair();
    const notices = heard(alice, 'notice');
    stage.server.answerRest = change as typeof stage.server.answerRest;
    const from = stage.server.sends.length;
    await say(alice, conversationId, 'secret');
    await eventually(() => expect(notices).toContainEqual(held('untrusted_server')));
    expect(stage.server.sends).toHaveLength(from);
    stage.server.answerRest = (_, body) => body;
    stage.server.cut({ accountId: alice.accountId, deviceId: alice.deviceId });
    await alice.idle();
    expect(textsOf((await receiveAs(bob, stage.server.inbox(bob.address))).messages)).toEqual(['secret']);
  };

  test('gets nothing sealed for a third account that it puts into a conversation of two', async () => {
    const mallory = await stage.party();
    const { accountId } = mallory.address;
    const member = { accountId, role: 'member', devices: [{ deviceId: 1, registrationId: mallory.registrationId }] };
    await tampered((operation, body: { readonly members: readonly unknown[] }) =>
      operation === 'getConversation' ? { ...body, members: [...body.members, member] } : body,
    );
  });

  test('gets nothing sealed for a device that the account did not sign', async () => {
    await tampered((operation, body: { readonly listed: readonly unknown[] }) =>
      operation === 'claimPrekeys' ? { ...body, listed: [...body.listed, { deviceId: 2, registrationId: 7 }] } : body,
    );
  });

  test('cannot bring back an older device list', async () => {
    const { alice, bob, conversationId } = await pair();
    const notices = heard(alice, 'notice');
    let older: object | undefined;
    stage.server.answerRest = (operation, body) => {
      if (operation !== 'claimPrekeys') return body;
      const { deviceList, listed } = body as { readonly deviceList: unknown; readonly listed: unknown };
      older ??= { deviceList, listed };
      return body;
    };
    await say(alice, conversationId, 'to one device');
    await alice.idle();
    stage.server.directory.enrol('bob', bob, await stage.sibling(bob, 2));
    await say(alice, conversationId, 'to two devices');
    await alice.idle();
    stage.server.directory.enrol('bob', await stage.sibling(bob, 1));
    stage.server.answerRest = (operation, body) => (operation === 'claimPrekeys' ? { ...(body as object), ...older } : body);
    await say(alice, conversationId, 'to whom?');
    await eventually(() => expect(notices).toContainEqual(held('untrusted_server')));
  });
});
