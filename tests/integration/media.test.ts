import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import type { BlobId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { channelView } from '../../protocol/rest/channel.js';
import { invite } from '../../protocol/rest/conversation.js';
import { problem } from '../../protocol/rest/problem.js';
import { blobOutage, type BlobOutage } from '../support/blob-outage.js';
import { eventually } from '../support/eventually.js';
import { newBlobId, newChannelId } from '../support/ids.js';
import { MemberStage } from '../support/member-stage.js';
import { RawFile, refusalOf } from '../support/raw-file.js';
import type { RawMember } from '../support/raw-group.js';
import { TestServer } from '../support/server.js';
import { shippedLimits } from '../support/shipped-limits.js';

const deletedMs = 60_000;
let server: TestServer;
let stage: MemberStage;
let outage: BlobOutage;
let requests = 50_000;

beforeAll(async () => {
  outage = await blobOutage();
  server = await TestServer.start({
    each: 1,
    environment: {
      ...shippedLimits('media', 'mediaBytes'),
      ...outage.environment,
      HELIOGRAPH_MEDIA_UPLOAD_MS: '3000',
      HELIOGRAPH_MEDIA_GRACE_MS: '0',
      HELIOGRAPH_MEDIA_ORPHAN_MS: '8000',
      HELIOGRAPH_MEDIA_BUCKET_MS: '1000',
    },
  });
  stage = new MemberStage(server);
}, 120_000);
afterEach(() => stage.disconnect());
afterAll(async () => {
  await stage.close();
  await server.stop();
  await outage.close();
});

const file = (size?: number) => new RawFile(stage.server, size);
const fetched = (device: RawMember, blobId: BlobId) => device.request({ type: 'media.fetched', id: ++requests, blobId });
const status = (url: string) => fetch(url).then((response) => response.arrayBuffer().then(() => response.status));

/** Alice with one device, and others in a group of hers; all connected. */
async function group(deviceCounts: readonly number[] = [1]) {
  const alice = await stage.one();
  const others = await Promise.all(deviceCounts.map((count) => stage.account(count)));
  const members = others.map(([first]) => first?.accountId);
  const view = await alice.change('POST', '/conversations', { kind: 'group', conversationId: v7(), members });
  await Promise.all([alice, ...others.flat()].map((device) => device.connect()));
  return {
    alice,
    view,
    others,
    send: (media: readonly BlobId[], ttlSeconds?: number) =>
      alice.send(view, { media: [...media], ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }),
  };
}

async function pair() {
  const made = await group();
  const bob = made.others[0]?.[0];
  if (bob === undefined) throw new Error('one other was asked for');
  return { ...made, bob };
}

/** Resolves when the bytes are gone. */
const deleted = (url: string) => eventually(async () => expect(await status(url)).toBe(404), deletedMs);

describe('a file of a message', () => {
  test('is uploaded once, and got whole and in ranges by those whom the message is for, and by nobody else', async () => {
    const { alice, bob, send } = await pair();
    const sent = file(3_000_000);
    const blobId = await sent.uploaded(alice);
    expect(await refusalOf(bob, blobId)).toEqual({ code: 'not_found' });
    expect(await send([blobId])).toMatchObject({ type: 'accepted' });
    await eventually(() => expect(bob.items.find(({ media }) => media !== undefined)?.media).toEqual([blobId]));
    const url = await sent.urlFor(bob, blobId);
    const whole = await fetch(url);
    expect(Buffer.from(await whole.arrayBuffer()).equals(sent.bytes)).toBe(true);
    const part = await fetch(url, { headers: { range: 'bytes=2999990-' } });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, sent.bytes.subarray(2_999_990)]);
    await sent.urlFor(alice, blobId);
    expect(await refusalOf(await stage.one(), blobId)).toEqual({ code: 'not_found' });
  });

  test('is deleted once every device has it, and not before', async () => {
    const { alice, others, send } = await group([2, 2]);
    const devices = others.flat();
    const [first, ...rest] = devices;
    if (first === undefined) throw new Error('devices were asked for');
    const [waited, control] = [file(), file()];
    const [blobId, other] = [await waited.uploaded(alice), await control.uploaded(alice)];
    await send([blobId, other]);
    const [url, otherUrl] = [await waited.urlFor(first, blobId), await control.urlFor(first, other)];
    for (const device of rest) expect(await fetched(device, blobId)).toMatchObject({ type: 'ok' });
    for (const device of devices) expect(await fetched(device, other)).toMatchObject({ type: 'ok' });
    await deleted(otherUrl);
    // What was waited for is still there when what was not is gone.
    expect(await status(url)).toBe(200);
    await waited.urlFor(first, blobId);
    expect(await fetched(first, blobId)).toMatchObject({ type: 'ok' });
    expect(await fetched(first, blobId)).toMatchObject({ type: 'ok' });
    await deleted(url);
    for (const device of [alice, ...devices]) {
      expect(await refusalOf(device, blobId)).toEqual({ code: 'gone', facts: { reason: 'fetched', goneAtMs: expect.any(Number) } });
    }
    expect(await refusalOf(await stage.one(), blobId)).toEqual({ code: 'not_found' });
    // Counted by what deletes them, once the bytes are gone and the directory says so.
    await eventually(async () => expect(await stage.server.metric('heliograph_media_deleted_total{reason="fetched"}')).toBeGreaterThanOrEqual(2));
  }, 120_000);

  test('does not wait for a device that is removed', async () => {
    const alice = await stage.one();
    const account = await stage.registered.account(2);
    const [bob, tablet] = stage.devicesOf(account);
    if (bob === undefined || tablet === undefined) throw new Error('two devices were asked for');
    const view = await alice.change('POST', '/conversations', { kind: 'group', conversationId: v7(), members: [account.accountId] });
    await Promise.all([alice, bob].map((device) => device.connect()));
    const sent = file();
    const blobId = await sent.uploaded(alice);
    await alice.send(view, { media: [blobId] });
    const url = await sent.urlFor(tablet, blobId);
    await fetched(bob, blobId);
    const body = { deviceList: account.signList(2, [bob.device]) };
    expect(await bob.ask('DELETE', '/devices/2', body)).toMatchObject({ status: 202 });
    await deleted(url);
    expect(await refusalOf(bob, blobId)).toMatchObject({ code: 'gone', facts: { reason: 'fetched' } });
  }, 90_000);

  test('goes with the time of its message, fetched or not', async () => {
    const { alice, bob, send } = await pair();
    const sent = file();
    const blobId = await sent.uploaded(alice);
    await send([blobId], 8);
    await deleted(await sent.urlFor(bob, blobId));
    expect(await refusalOf(bob, blobId)).toMatchObject({ code: 'gone', facts: { reason: 'expired' } });
  }, 90_000);

  test('is deleted if no message names it in time', async () => {
    const { alice, bob, send } = await pair();
    const [orphan, named] = [file(), file()];
    const [blobId, other] = [await orphan.uploaded(alice), await named.uploaded(alice)];
    await send([other]);
    const never = await file().create(alice);
    await deleted(await orphan.urlFor(alice, blobId));
    expect(await refusalOf(alice, blobId)).toMatchObject({ code: 'gone', facts: { reason: 'orphan' } });
    await eventually(
      async () => expect(await refusalOf(alice, never.blobId)).toMatchObject({ code: 'gone', facts: { reason: 'orphan' } }),
      deletedMs,
    );
    await named.urlFor(bob, other);
    expect(await send([blobId])).toMatchObject({ type: 'error', code: 'gone', detail: { field: 'media.0' } });
  }, 90_000);

  test('is taken back at once by whoever sent it, and by nobody else', async () => {
    const { alice, bob, send } = await pair();
    const sent = file();
    const blobId = await sent.uploaded(alice);
    await send([blobId]);
    const url = await sent.urlFor(bob, blobId);
    expect(await refusalOf(bob, blobId, 'DELETE')).toMatchObject({ code: 'not_found' });
    const beforeMs = Date.now();
    expect(await alice.ask('DELETE', `/media/${blobId}`)).toMatchObject({ status: 204 });
    expect(await alice.ask('DELETE', `/media/${blobId}`)).toMatchObject({ status: 204 });
    const { code, facts } = await refusalOf(bob, blobId);
    expect({ code, facts }).toMatchObject({ code: 'gone', facts: { reason: 'revoked' } });
    expect(Number(facts?.['goneAtMs'])).toBeGreaterThanOrEqual(beforeMs - 1);
    await deleted(url);
    expect((await refusalOf(bob, blobId)).facts).toEqual(facts);
  }, 90_000);

  test('in a channel is for whoever is a member when asking', async () => {
    const [alice, bob] = [await stage.one(), await stage.one()];
    const body = { conversationId: newChannelId(), title: randomBytes(40), keyring: randomBytes(30) };
    const channel = channelView.parse((await alice.ask('POST', '/channels', body)).body);
    await alice.connect();
    const sent = file();
    const blobId = await sent.uploaded(alice);
    const post = { envelope: undefined, media: [blobId] };
    expect(await alice.send({ conversationId: channel.conversationId, rosterDigest: `${channel.epoch}` }, post)).toMatchObject({ type: 'accepted' });
    expect(await refusalOf(bob, blobId)).toEqual({ code: 'not_found' });
    const { secret } = invite.parse((await alice.ask('POST', `/channels/${channel.conversationId}/invite`, { lifetimeMs: 60_000 })).body);
    await bob.ask('POST', '/channel-invites', { secret });
    expect(await status(await sent.urlFor(bob, blobId))).toBe(200);
  });
});

describe('what does not fit', () => {
  test.each([
    ['no bytes', { size: 0 }, 'invalid_request', { field: 'size' }],
    ['part of a byte', { size: 1.5 }, 'invalid_request', { field: 'size' }],
    ['too many bytes', { size: limits.maxMediaBytes + 1 }, 'too_large', { field: 'size', limit: limits.maxMediaBytes }],
    ['half a digest', { sha256: randomBytes(16) }, 'invalid_request', { field: 'sha256' }],
    ['a field that there is not', { name: 'holiday.jpg' }, 'invalid_request', {}],
  ])('a file of %s is refused, with the field and its limit', async (_, changes, code, facts) => {
    const alice = await stage.one();
    const { body } = await alice.ask('POST', '/media', { ...file().announced, ...changes });
    expect(problem.parse(body)).toMatchObject({ code, facts });
  });

  test('other bytes than were announced are refused, and leave the place free for the right ones', async () => {
    const alice = await stage.one();
    const sent = file();
    const place = await sent.create(alice);
    expect(await refusalOf(alice, place.blobId)).toEqual({ code: 'not_found' });
    expect([400, 403]).toContain(await sent.put(place, randomBytes(sent.bytes.length)));
    expect(await refusalOf(alice, place.blobId)).toEqual({ code: 'not_found' });
    expect(await sent.put(place)).toBe(200);
    await sent.urlFor(alice, place.blobId);
  });

  test('a message with files that its sender has not, or has twice, is refused with the field', async () => {
    const { alice, bob, send } = await pair();
    const [own, others] = [await file().uploaded(alice), await file().uploaded(bob)];
    expect(await send([own, others])).toMatchObject({ type: 'error', code: 'not_found', detail: { field: 'media.1' } });
    expect(await send([newBlobId()])).toMatchObject({ type: 'error', code: 'not_found', detail: { field: 'media.0' } });
    expect(await send([own, own])).toMatchObject({ type: 'error', code: 'invalid_frame', detail: { field: 'media' } });
    const many = Array.from({ length: limits.maxMediaPerMessage + 1 }, newBlobId);
    expect(await send(many)).toMatchObject({ type: 'error', code: 'invalid_frame', detail: { field: 'media' } });
    expect(await fetched(bob, own)).toMatchObject({ type: 'error', code: 'not_found', detail: { field: 'blobId' } });
    expect(await send([own])).toMatchObject({ type: 'accepted' });
  });

  test('more files in a minute, or bytes in a day, than an account may have are refused until later', async () => {
    const alice = await stage.one();
    const announced = (size: number) => ({ ...file().announced, size });
    const large = Array.from({ length: 10 }, () => alice.ask('POST', '/media', announced(limits.maxMediaBytes)));
    const answers = await Promise.all(large);
    expect(answers.map((answer) => answer.status).sort()).toEqual([...Array<number>(9).fill(201), 429]);
    const { code, facts, retryAfterMs } = problem.parse(answers.find((answer) => answer.status === 429)?.body);
    expect([code, facts, (retryAfterMs ?? 0) > 3_600_000]).toEqual(['rate_limited', { limit: 'mediaBytes' }, true]);
    const bob = await stage.one();
    const small = await Promise.all(Array.from({ length: 31 }, () => bob.ask('POST', '/media', announced(1))));
    expect(small.filter((answer) => answer.status === 429).map(({ body }) => problem.parse(body))).toMatchObject([
      { code: 'rate_limited', facts: { limit: 'media' } },
    ]);
  });
});

test('while the blob store is away, calls for files say so and when to come again, messages go on, and what was due is deleted after it', async () => {
  const { alice, bob, send, view } = await pair();
  const [kept, due] = [file(), file()];
  const [blobId, dueId] = [await kept.uploaded(alice), await due.uploaded(alice)];
  await send([blobId, dueId]);
  const url = await due.urlFor(bob, dueId);
  outage.begin(server);
  try {
    const { status: answered, body } = await alice.ask('POST', '/media', file().announced);
    expect([answered, problem.parse(body)]).toMatchObject([503, { code: 'unavailable', retryAfterMs: 2_000 }]);
    expect(await refusalOf(bob, blobId)).toMatchObject({ code: 'unavailable', retryAfterMs: 2_000 });
    expect(await alice.send(view)).toMatchObject({ type: 'accepted' });
    expect(await send([blobId])).toMatchObject({ type: 'accepted' });
    expect(await fetched(bob, dueId)).toMatchObject({ type: 'ok' });
    await eventually(() => expect(bob.messages).toHaveLength(3));
    await eventually(async () => expect(await refusalOf(bob, dueId)).toMatchObject({ code: 'gone', facts: { reason: 'fetched' } }), deletedMs);
  } finally {
    outage.end(server);
  }
  await deleted(url);
  expect(await status(await kept.urlFor(bob, blobId))).toBe(200);
}, 120_000);
