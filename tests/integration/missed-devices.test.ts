import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { HeliographServer } from '../../bench/process/heliograph-server.js';
import { decodeEnvelopesWanted } from '../../protocol/envelopes-wanted.js';
import type { ConversationId, MessageId } from '../../protocol/ids.js';
import type { ConversationView } from '../../protocol/rest/conversation.js';
import { openDevice, type Device } from '../../sdk/index.js';
import { contentKeyTable, lackedKeyTable, messageTable, processedTable } from '../../sdk/messages/message-tables.js';
import { DeviceStore } from '../../sdk/store/device-store.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { MemberStage } from '../support/member-stage.js';
import { RawFile } from '../support/raw-file.js';
import type { RawMember } from '../support/raw-group.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
let stage: MemberStage;
const live = new LiveDevices(() => server.publicUrl);

beforeAll(async () => {
  server = await TestServer.start();
  stage = new MemberStage(server);
}, 120_000);
afterEach(async () => {
  await stage.disconnect();
  await live.end();
});
afterAll(async () => {
  await stage.close();
  await server.stop();
});

/** For a message. What was sent in the two seconds before may be wanted too: the clocks that say who came first are those of two machines. */
const wantedBy = ({ items }: RawMember, of: { readonly messageId: MessageId }) =>
  items
    .filter(({ kind }) => kind === 'envelopes.wanted')
    .map(({ envelope }) => decodeEnvelopesWanted(envelope?.content))
    .filter((wanted) => wanted?.messageId === of.messageId);
const accepted = (answer: Awaited<ReturnType<RawMember['send']>>) => {
  if (answer.type !== 'accepted') throw new Error(JSON.stringify(answer));
  return answer;
};

/** Accepted, and audited (gateway/websocket/roster-audit.ts looks once a second): whatever changes now unheard, the gateway keeps the roster that it has until something else is accepted. */
const settled = async (answer: Awaited<ReturnType<RawMember['send']>>) => {
  accepted(answer);
  await sleep(2_000);
};

describe('a message that is accepted for a roster which is not the present one, because nobody told its gateway', () => {
  const to = (...devices: readonly RawMember[]) => ({ envelope: undefined, envelopes: devices.map((device) => device.envelope()) });

  test('is told to all devices of its sender, with the devices that missed it, and the next one is not accepted so', async () => {
    const [[phone, laptop], bob] = [(await stage.account(2)) as [RawMember, RawMember], await stage.one()];
    await phone.connect();
    const view = await phone.change('POST', '/conversations', { kind: 'direct', peer: bob.accountId });
    await settled(await phone.send(view, to(laptop, bob)));
    const tablet = await stage.registered.link(bob.accountId, 2);
    const { messageId, position } = accepted(await phone.send(view, to(laptop, bob)));
    const said = { messageId, position, devices: [{ accountId: bob.accountId, deviceId: tablet.deviceId }] };
    await eventually(() => {
      expect(wantedBy(phone, said)).toEqual([said]);
    });
    expect(await phone.send(view, to(laptop, bob))).toMatchObject({ type: 'error', code: 'roster_mismatch', detail: { missing: said.devices } });
    await laptop.connect();
    expect(wantedBy(laptop, said)).toEqual([said]);
    expect(await server.metric('heliograph_gateway_missed_devices_total')).toBeGreaterThan(0);
  });

  test('waits for a sender that went right after it', async () => {
    const [ann, bob] = [await stage.one(), await stage.one()];
    await ann.connect();
    const view = await ann.change('POST', '/conversations', { kind: 'direct', peer: bob.accountId });
    await settled(await ann.send(view, to(bob)));
    const { deviceId } = await stage.registered.link(bob.accountId, 2);
    const sent = accepted(await ann.send(view, to(bob)));
    const { messageId, position } = sent;
    await ann.disconnect();
    // More than once if a connection ends before its ack has come through.
    await eventually(async () => {
      await ann.connect();
      await ann.disconnect();
      expect(wantedBy(ann, sent)).toContainEqual({ messageId, position, devices: [{ accountId: bob.accountId, deviceId }] });
    });
  });

  test('has files that whoever was added before it may fetch', async () => {
    const [ann, bea, cleo] = [await stage.one(), await stage.one(), await stage.one()];
    await ann.connect();
    const view: ConversationView = await ann.change('POST', '/conversations', { kind: 'group', conversationId: v7(), members: [bea.accountId] });
    await settled(await ann.send(view));
    const file = new RawFile(stage.server);
    const media = [await file.uploaded(ann)];
    const add = { type: 'add', accounts: [cleo.accountId] } as const;
    await stage.registered.directory.groups.change(view.conversationId, { accountId: ann.accountId, deviceId: 1 as never }, add, Date.now());
    accepted(await ann.send(view, { media }));
    await eventually(() => Promise.all(media.map((blobId) => file.urlFor(cleo, blobId))));
  });

  test('in a group, names whoever was added before it, and nobody who was there', async () => {
    const [ann, bea, cleo] = [await stage.one(), await stage.one(), await stage.one()];
    await Promise.all([ann.connect(), bea.connect()]);
    const wish = { kind: 'group', conversationId: v7() as ConversationId, members: [bea.accountId] };
    const view: ConversationView = await ann.change('POST', '/conversations', wish);
    await settled(await ann.send(view));
    const { groups } = stage.registered.directory;
    const add = { type: 'add', accounts: [cleo.accountId] } as const;
    await groups.change(view.conversationId, { accountId: ann.accountId, deviceId: 1 as never }, add, Date.now());
    const sent = accepted(await ann.send(view));
    const { messageId, position } = sent;
    await eventually(() => {
      expect(wantedBy(ann, sent)).toEqual([{ messageId, position, devices: [{ accountId: cleo.accountId, deviceId: 1 }] }]);
    });
    expect(wantedBy(bea, sent)).toEqual([]);
    expect(await ann.send(view)).toMatchObject({ type: 'error', code: 'roster_mismatch' });
  });
});

describe('a device that was away for longer than an inbox keeps what waits for it', () => {
  test('is told on its return that something may be missing, once; who was away for less is not', async () => {
    const [ann, bob] = [await stage.one(), await stage.one()];
    const dayMs = 24 * 3_600_000;
    const seen = ({ accountId }: RawMember, daysAgo: number) =>
      stage.registered.directory.devices.seen({ accountId, deviceId: 1 as never }, Date.now() - daysAgo * dayMs);
    const gaps = ({ frames }: RawMember) => frames.filter(({ type }) => type === 'gap');
    await Promise.all([seen(ann, 31), seen(bob, 29)]);
    await Promise.all([ann.connect(), bob.connect()]);
    await eventually(() => {
      expect(gaps(ann)).toEqual([{ type: 'gap', reason: 'expired' }]);
    });
    await ann.disconnect();
    await ann.connect();
    await Promise.all([ann, bob].map((member) => member.request({ type: 'ping', id: 1 })));
    expect([gaps(ann).length, gaps(bob).length]).toEqual([1, 0]);
  });
});

const shown = (device: Device, conversationId: ConversationId) =>
  device.messages(conversationId).flatMap(({ content }) => (content.type === 'event' ? [] : content.type === 'text' ? content.text : content.type));

describe('devices of the SDK', () => {
  /** A further device of an account by a server of another house on the same directory: what that announces, nobody hears here. */
  async function linkedUnheard(to: Device): Promise<Device> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'heliograph-unheard-'));
    const environment = { HELIOGRAPH_POSTGRES_URL: server.directoryUrl };
    const other = await HeliographServer.start({ dist: resolve('dist'), dataDirectory, environment });
    const directory = live.directory();
    try {
      const onCode = (code: string) => void to.devices.link(code);
      await (await openDevice({ server: other.publicUrl, directory, link: { onCode, history: false } })).close();
    } finally {
      await other.stop();
      await rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 });
    }
    return live.open(directory);
  }

  test.each<[string, (alice: Device, bob: Device) => Promise<{ readonly conversationId: ConversationId }>]>([
    ['account', (alice, bob) => alice.conversationWith(bob.handle)],
    ['group', (alice, bob) => alice.groups.create({ title: 'us', members: [bob.handle] })],
  ])(
    'get what was sent to their %s just when they were linked',
    async (_, open) => {
      const [alice, bob] = [await live.open(live.directory(), live.handle()), await live.open(live.directory(), live.handle())];
      const { conversationId } = await open(alice, bob);
      const say = (text: string) => alice.send(conversationId, { type: 'text', text });
      await say('before the tablet');
      await eventually(() => {
        expect(shown(bob, conversationId)).toEqual(['before the tablet']);
      });
      const before = await server.metric('heliograph_gateway_missed_devices_total');
      const tablet = await linkedUnheard(bob);
      await say('just then');
      await alice.idle();
      await eventually(() => {
        expect(shown(tablet, conversationId)).toEqual(['just then']);
      }, 15_000);
      expect(await server.metric('heliograph_gateway_missed_devices_total')).toBe(before + 1);
      await say('afterwards');
      await eventually(() => {
        expect(shown(tablet, conversationId)).toEqual(['just then', 'afterwards']);
      });
    },
    90_000,
  );

  test('ask for the key of a message that does not open, and show it when they have it', async () => {
    const [aliceName, bobName, bobsDirectory] = [live.handle(), live.handle(), live.directory()];
    const [alice, bob] = [await live.open(live.directory(), aliceName), await live.open(bobsDirectory, bobName)];
    const { conversationId } = await alice.conversationWith(bobName);
    const { messageId } = await alice.send(conversationId, { type: 'text', text: 'hello' });
    await eventually(() => {
      expect(shown(bob, conversationId)).toEqual(['hello']);
    });
    await bob.idle();
    await live.close(bob);
    // As a device is that got the message without a key that opens it, an hour ago.
    const store = await DeviceStore.open(bobsDirectory, {});
    const unit = store.begin();
    const position = store.get(processedTable, messageId) ?? 0;
    const row = store.get(messageTable, conversationId, position);
    if (row === undefined) throw new Error('the message is not where it was');
    unit.put(messageTable, [conversationId, position], { ...row, content: { type: 'undecryptable' } });
    unit.remove(contentKeyTable, messageId);
    unit.put(lackedKeyTable, [conversationId, position], { messageId, sender: row.sender, asks: 1, askedAtMs: 0 });
    await unit.commit();
    await store.close();
    const back = await openDevice({ server: server.publicUrl, directory: bobsDirectory });
    expect(shown(back, conversationId)).toEqual(['undecryptable']);
    const changed: string[] = [];
    back.on('message-changed', ({ content }) => changed.push(content.type));
    back.connect();
    await eventually(() => {
      expect(shown(back, conversationId)).toEqual(['hello']);
      expect(changed).toEqual(['text']);
    });
    await back.close();
  });
});
