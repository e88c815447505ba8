import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import type { AccountId, ConversationId, MessageId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { explanation, explanationDetail, type OutcomeState } from '../../protocol/rest/explanation.js';
import { problem } from '../../protocol/rest/problem.js';
import type { ConversationView } from '../../protocol/rest/conversation.js';
import type { Device } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { newMessageId } from '../support/ids.js';
import { LiveDevices } from '../support/live-devices.js';
import { RawMember } from '../support/raw-group.js';
import { RegisteredDevices, type SignedAccount } from '../support/registered-devices.js';
import { runNode } from '../support/run-program.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
let registered: RegisteredDevices;
const live = new LiveDevices(() => server.publicUrl);
const members: RawMember[] = [];

beforeAll(async () => {
  server = await sharedServer();
  registered = new RegisteredDevices(server);
}, 120_000);
afterEach(async () => {
  await Promise.all(members.splice(0).map((member) => member.disconnect()));
  await live.end();
});
afterAll(() => registered.close());

interface RawAccount extends SignedAccount {
  readonly members: readonly RawMember[];
}

async function account(deviceCount: number): Promise<RawAccount> {
  const signed = await registered.account(deviceCount);
  const made = signed.devices.map((device) => new RawMember(server, device));
  members.push(...made);
  return { ...signed, members: made };
}

function first({ members: [member] }: RawAccount): RawMember {
  if (member === undefined) throw new Error('an account has devices');
  return member;
}

function found(owner: RawMember, others: readonly RawAccount[]): Promise<ConversationView> {
  const wish = { kind: 'group', conversationId: v7() as ConversationId, members: others.map(({ accountId }) => accountId) };
  return owner.change('POST', '/conversations', wish);
}

async function sent(by: RawMember, view: ConversationView, changes: { readonly ttlSeconds?: number } = {}): Promise<MessageId> {
  const answer = await by.send(view, changes);
  if (answer.type !== 'accepted') throw new Error(JSON.stringify(answer));
  return answer.messageId;
}

async function explained(by: RawMember, messageId: MessageId) {
  const { status, body } = await by.ask('GET', `/messages/${messageId}/explain`);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return explanation.parse(body);
}

/** `account.device` and its state, as a table that reads well. */
async function states(by: RawMember, messageId: MessageId): Promise<ReadonlyMap<string, OutcomeState>> {
  const { accounts } = await explained(by, messageId);
  return new Map(accounts.flatMap(({ accountId, devices }) => devices.map(({ deviceId, state }) => [`${accountId}.${deviceId}`, state])));
}

const main = 'dist/cli/main.js';

/** By an operator. */
function asked(messageId: string, ...more: readonly string[]) {
  return runNode([main, 'explain', messageId, '--server', server.adminUrl, ...more], { env: server.operatorEnvironment }).ended;
}

const at = ({ accountId }: { readonly accountId: AccountId }, deviceId = 1) => `${accountId}.${deviceId}`;

describe('the sender of a message', () => {
  async function pair(): Promise<{
    readonly alice: Device;
    readonly bob: Device;
    readonly bobsDirectory: string;
    readonly conversationId: ConversationId;
  }> {
    const bobsDirectory = live.directory();
    const [aliceHandle, bobHandle] = [`alice-${v7().slice(-8)}`, `bob-${v7().slice(-8)}`];
    const [alice, bob] = [await live.open(live.directory(), aliceHandle), await live.open(bobsDirectory, bobHandle)];
    return { alice, bob, bobsDirectory, conversationId: (await alice.conversationWith(bobHandle)).conversationId };
  }

  test('sees it queued while the device is away, then delivered, then read', async () => {
    const { alice, bob, bobsDirectory, conversationId } = await pair();
    const outcome = async (messageId: MessageId) => (await alice.explain(messageId)).accounts;
    const of = (state: OutcomeState, more: object = {}) => [{ accountId: bob.accountId, state, devices: [{ deviceId: 1, state, ...more }] }];
    const online = await alice.send(conversationId, { type: 'text', text: 'you are here' });
    await eventually(async () => expect(await outcome(online.messageId)).toEqual(of('delivered')));
    await bob.markRead(conversationId);
    await eventually(async () => expect(await outcome(online.messageId)).toEqual(of('read')));

    await live.close(bob);
    const beforeMs = Date.now();
    const { messageId } = await alice.send(conversationId, { type: 'text', text: 'you are not' });
    await eventually(async () => expect(await outcome(messageId)).toEqual(of('queued', { sinceMs: expect.any(Number) })));
    const [account] = await outcome(messageId);
    expect(account?.devices[0]?.sinceMs).toBeGreaterThanOrEqual(beforeMs - 1_000);
    expect(account?.devices[0]?.sinceMs).toBeLessThanOrEqual(Date.now() + 1_000);
    await live.open(bobsDirectory);
    await eventually(async () => expect(await outcome(messageId)).toEqual(of('delivered')));
    expect(await outcome(online.messageId)).toEqual(of('read'));
  });

  test('alone may ask: to everybody else the message is not there, as one that never was', async () => {
    const { alice, bob, conversationId } = await pair();
    const { messageId } = await alice.send(conversationId, { type: 'text', text: 'whose is it' });
    await eventually(async () => expect((await alice.explain(messageId)).messageId).toBe(messageId));
    const refusal = async (id: MessageId) => bob.explain(id).catch((error: unknown) => error);
    const [foreign, unknown] = [await refusal(messageId), await refusal(newMessageId())];
    expect([foreign, unknown]).toEqual([expect.objectContaining({ code: 'not_found' }), expect.objectContaining({ code: 'not_found' })]);
    expect(String(foreign)).toBe(String(unknown));
  });

  test('of a group sees it for every device: who got it, who waits, who went, who came later', async () => {
    const [ann, bea, cleo, dora, emma] = [await account(2), await account(2), await account(2), await account(1), await account(1)];
    const [phone, tablet] = ann.members as [RawMember, RawMember];
    await Promise.all([phone.connect(), tablet.connect(), first(bea).connect()]);
    const view = await found(phone, [bea, cleo, emma]);
    const messageId = await sent(phone, view);
    await eventually(async () => {
      expect(await states(phone, messageId)).toEqual(
        new Map([
          [at(ann, 2), 'delivered'],
          [at(bea, 1), 'delivered'],
          [at(bea, 2), 'queued'],
          [at(cleo, 1), 'queued'],
          [at(cleo, 2), 'queued'],
          [at(emma), 'queued'],
        ]),
      );
    });

    const path = `/conversations/${view.conversationId}`;
    await phone.change('POST', `${path}/members`, { accounts: [dora.accountId] });
    await phone.change('DELETE', `${path}/members/${emma.accountId}`);
    await registered.link(bea.accountId, 3);
    const [stays, goes] = cleo.devices as [SignedAccount['devices'][0], SignedAccount['devices'][0]];
    await first(cleo).ask('DELETE', `/devices/${goes.deviceId}`, { deviceList: cleo.signList(2, [stays]) });
    await first(cleo).connect();
    await eventually(async () => {
      expect(await states(phone, messageId)).toEqual(
        new Map([
          [at(ann, 2), 'delivered'],
          [at(bea, 1), 'delivered'],
          [at(bea, 2), 'queued'],
          [at(bea, 3), 'linked-later'],
          [at(cleo, 1), 'delivered'],
          [at(cleo, 2), 'unlinked'],
          [at(dora), 'joined-later'],
          // Removed since: it was for her.
          [at(emma), 'queued'],
        ]),
      );
    });
    const { accounts } = await explained(phone, messageId);
    expect(new Map(accounts.map(({ accountId, state }) => [accountId, state]))).toEqual(
      new Map([
        [ann.accountId, 'delivered'],
        [bea.accountId, 'delivered'],
        [cleo.accountId, 'delivered'],
        [dora.accountId, 'joined-later'],
        [emma.accountId, 'queued'],
      ]),
    );
    expect(await first(dora).refusal('GET', `/messages/${messageId}/explain`)).toBe('not_found');
    // Another device of the account that sent it.
    expect((await explained(tablet, messageId)).accounts).toEqual(accounts);
  });

  test('sees neither that it is blocked nor what somebody read who does not show it; an operator sees the block', async () => {
    const { alice, bob, conversationId } = await pair();
    await bob.setPrivacy({ readReceipts: false });
    const open = await alice.send(conversationId, { type: 'text', text: 'read me' });
    await eventually(() => expect(bob.messages(conversationId)).toHaveLength(1));
    await bob.markRead(conversationId);
    await bob.idle();
    await bob.block(alice.accountId);
    const { messageId } = await alice.send(conversationId, { type: 'text', text: 'and now?' });
    const stateOf = async (id: MessageId) => (await alice.explain(id)).accounts.map(({ state }) => state);
    await eventually(async () => expect([await stateOf(open.messageId), await stateOf(messageId)]).toEqual([['delivered'], ['queued']]));
    const { stdout } = await asked(messageId, '--json');
    expect(explanationDetail.parse(JSON.parse(stdout)).accounts).toMatchObject([{ accountId: bob.accountId, state: 'withheld' }]);
  });

  test('sees that its time is over for a device that was away', async () => {
    const [ann, bea] = [await account(1), await account(1)];
    await first(ann).connect();
    const view = await found(first(ann), [bea]);
    const messageId = await sent(first(ann), view, { ttlSeconds: 1 });
    await eventually(async () => expect(await states(first(ann), messageId)).toEqual(new Map([[at(bea), 'expired']])));
    await first(bea).connect();
    await eventually(async () => expect(await states(first(ann), messageId)).toEqual(new Map([[at(bea), 'expired']])));
    expect(first(bea).messages).toEqual([]);
  });

  test('sees it for a group of the largest size', async () => {
    const ann = await account(1);
    await first(ann).connect();
    const crowd = await registered.many(limits.maxGroupMembers - 1);
    const wish = { kind: 'group', conversationId: v7() as ConversationId, members: crowd.map(({ accountId }) => accountId) };
    const messageId = await sent(first(ann), await first(ann).change('POST', '/conversations', wish));
    await eventually(async () => {
      const told = [...(await states(first(ann), messageId)).values()];
      expect([told.length, new Set(told)]).toEqual([crowd.length, new Set(['queued'])]);
    }, 20_000);
  });
});

describe('an operator', () => {
  const status = (path: string, authorization?: string) =>
    fetch(`${server.adminUrl}${path}`, authorization === undefined ? {} : { headers: { authorization } }).then(async (response) => [
      response.status,
      problem.parse(await response.json()).code,
    ]);

  test('sees by the command line where a message is, how far the consumers are, and at which gateway a device is', async () => {
    const [ann, bea, cleo] = [await account(1), await account(1), await account(1)];
    await Promise.all([first(ann).connect(), first(bea).connect()]);
    const view = await found(first(ann), [bea, cleo]);
    const messageId = await sent(first(ann), view);
    const asJson = async () => {
      const { code, stdout, stderr } = await asked(messageId, '--json');
      expect([code, stderr]).toEqual([0, '']);
      return explanationDetail.parse(JSON.parse(stdout));
    };
    await eventually(async () => expect((await asJson()).accounts.map(({ state }) => state).sort()).toEqual(['delivered', 'queued']), 20_000);
    const detail = await asJson();
    const of = ({ accountId }: RawAccount) => detail.accounts.find((told) => told.accountId === accountId)?.devices[0];
    expect(detail).toMatchObject({
      ...{ messageId, conversationId: view.conversationId, kind: 'message', sender: { accountId: ann.accountId, deviceId: 1 } },
      ...{ epoch: 1, position: 2 ** 48 + detail.offset, recorded: true, registry: 'ok' },
    });
    expect(detail.groups.map(({ topic, group }) => [topic, group])).toEqual([
      ['messages', 'history-writer'],
      ['messages', 'delivery-router'],
      ['receipts', 'receipt-handler'],
    ]);
    expect(of(bea)).toMatchObject({ deliveredPosition: detail.position, session: { gatewayId: expect.stringMatching(/^gateway-\d$/) } });
    expect(of(cleo)).toMatchObject({ state: 'queued', queuedAtMs: of(cleo)?.sinceMs });
    expect(of(cleo)?.session).toBeUndefined();

    const { code, stdout } = await asked(messageId);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^message +${messageId}, message from ${ann.accountId}\\.1$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^position +${detail.position}: partition ${detail.partition}, offset ${detail.offset}, epoch 1$`, 'm'));
    expect(stdout).toMatch(/^history-writer +past it, \d+ behind$/m);
    expect(stdout).toMatch(/^account +device +state +since +session$/m);
    expect(stdout).toMatch(new RegExp(`^${bea.accountId} +1 +delivered +gateway-\\d$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${cleo.accountId} +1 +queued +\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`, 'm'));
  });

  test('is told what is wrong: no such message, no id, no token, no server', async () => {
    expect(await asked(newMessageId())).toMatchObject({ code: 1, stderr: 'heliograph: there is no such message, or it is too old\n' });
    expect(await asked('nonsense')).toMatchObject({ code: 1, stderr: 'heliograph: messageId: must be a lower-case UUID\n' });
    expect(await asked(newMessageId(), '--token-file', '/nowhere')).toMatchObject({ code: 1, stderr: expect.stringContaining('/nowhere (ENOENT)') });
    const elsewhere = await runNode([main, 'explain', newMessageId(), '--server', 'http://127.0.0.1:1'], { env: server.operatorEnvironment }).ended;
    expect(elsewhere).toMatchObject({ code: 1, stderr: 'heliograph: no answer from http://127.0.0.1:1: is it the admin port?\n' });
  });

  test('alone gets the detail: without the token, or with another, nobody does', async () => {
    const path = `/ops/messages/${newMessageId()}/explain`;
    expect(await status(path)).toEqual([401, 'unauthenticated']);
    expect(await status(path, 'Bearer something')).toEqual([401, 'unauthenticated']);
    expect(await status('/ops/', 'Bearer something')).toEqual([401, 'unauthenticated']);
    // The public port has none of it.
    expect((await fetch(`${server.publicUrl}${path}`)).status).toBe(404);
  });
});
