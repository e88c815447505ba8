import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { problem } from '../../protocol/rest/problem.js';
import { Absence, patienceMs } from '../support/absence.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { PushService, Subscriber } from '../support/push-service.js';
import { sharedServer, type RunningServer } from '../support/server.js';
import { pushQuietMs as quietMs, pushSubject } from '../support/shared-settings.js';

const service = new PushService();
let server: RunningServer;
let devices: LiveDevices;

beforeAll(async () => {
  await service.open();
  server = await sharedServer();
  devices = new LiveDevices(() => server.publicUrl);
}, 120_000);
afterAll(async () => {
  await devices.end();
  await service.close();
});

const begin = () => Absence.begin(server, service);
const ended = (outcome: string) => server.metric(`heliograph_wake_ups_total{outcome="${outcome}"}`);
const delayed = (cause: string) => server.metric(`heliograph_wake_ups_delayed_total{cause="${cause}"}`);
const heldBack = () => delayed('quiet-period');

/** Resolves when the metric is above what it was when this was called. */
async function rises(metric: () => Promise<number>): Promise<() => Promise<void>> {
  const before = await metric();
  return () => eventually(async () => expect(await metric()).toBeGreaterThan(before), patienceMs);
}

describe('a device that is away', () => {
  test('is woken once for many messages, by a push that says nothing of them and that it alone can open', async () => {
    const absence = await begin();
    await absence.send(30);
    await absence.pushed(1);
    const [push, ...more] = absence.pushes;
    if (push === undefined || more.length > 0) throw new Error('not one push');
    expect(absence.subscriber.open(push.body)).toEqual({ type: 'wake' });
    expect(push.headers).toMatchObject({ 'content-encoding': 'aes128gcm', urgency: 'high', topic: 'wake', ttl: '86400' });
    const { publicKey, payload } = await PushService.claims(push);
    expect(payload).toMatchObject({ aud: service.origin, sub: pushSubject });
    const response = await fetch(`${server.publicUrl}/v1/push/key`, { headers: { authorization: `Bearer ${absence.pair.bob.token}` } });
    expect(await response.json()).toEqual({ applicationServerKey: publicKey });
  });

  test('gets nothing more in its quiet period, and one push after it for all that came meanwhile', async () => {
    const absence = await begin();
    await absence.send();
    await absence.pushed(1);
    const isHeldBack = await rises(heldBack);
    await absence.send(5);
    await isHeldBack();
    expect(absence.pushes).toHaveLength(1);
    await absence.pushed(2);
    const [first, second] = absence.pushes.map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(quietMs - 500);
  });

  test('is not woken for what it took before its quiet period ended', async () => {
    const absence = await begin();
    await absence.send();
    await absence.pushed(1);
    const isHeldBack = await rises(heldBack);
    await absence.send();
    await isHeldBack();
    const isCancelled = await rises(() => ended('cancelled'));
    await (await absence.drain()).close();
    await isCancelled();
    expect(absence.pushes).toHaveLength(1);
  });

  test('is not woken once it unsubscribed', async () => {
    const absence = await begin();
    expect((await absence.remove()).status).toBe(204);
    const isPassedOver = await rises(() => ended('unsubscribed'));
    await absence.send();
    await isPassedOver();
    expect(absence.pushes).toEqual([]);
  });

  test('is woken when others took its keys, though nothing waits for it', async () => {
    const absence = await begin();
    const { alice, bob } = absence.pair;
    const response = await fetch(`${server.publicUrl}/v1/accounts/${bob.accountId}/prekeys`, { headers: { authorization: `Bearer ${alice.token}` } });
    expect(response.status).toBe(200);
    await absence.pushed(1);
    expect(absence.pushes).toHaveLength(1);
  });

  test('is woken where it subscribed last', async () => {
    const absence = await begin();
    const elsewhere = service.subscriber(`${absence.path}/elsewhere`);
    expect((await absence.put({ ...elsewhere.subscription, expirationTime: null })).status).toBe(204);
    await absence.send();
    await eventually(() => {
      expect(service.of(`${absence.path}/elsewhere`)).toHaveLength(1);
    });
    expect(absence.pushes).toEqual([]);
  });
});

describe('a device whose connection breaks with something un-acked', () => {
  test('is woken if it has not come back for a while', async () => {
    const absence = await begin();
    const bob = await absence.drain();
    await absence.send();
    await bob.next('deliver');
    const brokeAtMs = Date.now();
    bob.terminate();
    await absence.pushed(1);
    expect((absence.pushes[0]?.atMs ?? 0) - brokeAtMs).toBeGreaterThanOrEqual(9_000);
  });

  test('is woken too if that happened while its inbox was drained', async () => {
    const absence = await begin();
    await absence.send();
    await absence.pushed(1);
    const bob = await absence.pair.greet(absence.pair.bob);
    await bob.next('deliver');
    bob.terminate();
    await absence.pushed(2);
  });

  test('is not woken if it came back and took it', async () => {
    const absence = await begin();
    const bob = await absence.drain();
    await absence.send();
    await bob.next('deliver');
    const isQueued = await rises(() => server.metric('heliograph_pipeline_inbox_rows_total'));
    const isCancelled = await rises(() => ended('cancelled'));
    bob.terminate();
    await isQueued();
    await (await absence.drain()).close();
    await isCancelled();
    expect(absence.pushes).toEqual([]);
  });
});

describe('a push service', () => {
  test('that does not know the subscription any more is not asked again', async () => {
    const absence = await begin();
    service.answers.set(absence.path, { status: 410 });
    const isUnregistered = await rises(() => ended('unregistered'));
    await absence.send();
    await isUnregistered();
    const isPassedOver = await rises(() => ended('unsubscribed'));
    await absence.send();
    await isPassedOver();
    expect(absence.pushes).toHaveLength(1);
  });

  test('that has too much to do is asked again when it said', async () => {
    const absence = await begin();
    service.answers.set(absence.path, { status: 503, headers: { 'retry-after': '3' } });
    await absence.send();
    await absence.pushed(1);
    service.answers.delete(absence.path);
    await absence.pushed(2);
    const [first, second] = absence.pushes.map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(3_000);
  });

  test('that is away is asked again until it is back', async () => {
    const absence = await begin();
    const isPutOff = await rises(() => delayed('push-service'));
    await service.close();
    await absence.send();
    await isPutOff();
    await service.open();
    await absence.pushed(1);
  });

  test('that refuses is not asked again for the same wake-up', async () => {
    const absence = await begin();
    service.answers.set(absence.path, { status: 400 });
    const isRefused = await rises(() => ended('refused'));
    await absence.send();
    await isRefused();
    expect(absence.pushes).toHaveLength(1);
  });
});

describe('a subscription that will not do', () => {
  const { subscription } = new Subscriber('https://push.example/1');
  const { p256dh, auth } = subscription.keys;
  const notOnTheCurve = Buffer.alloc(65, 4).toString('base64url');
  const bad: readonly (readonly [string, string, unknown])[] = [
    ['of another kind', 'kind', { ...subscription, kind: 'smoke' }],
    ['without an address', 'endpoint', { ...subscription, endpoint: 'somewhere' }],
    ['with an address too long', 'endpoint', { ...subscription, endpoint: `https://push.example/${'x'.repeat(2_048)}` }],
    ['that is neither https nor http', 'endpoint', { ...subscription, endpoint: 'ftp://push.example/1' }],
    ['that names a user', 'endpoint', { ...subscription, endpoint: 'https://somebody@push.example/1' }],
    ['with a short key', 'keys.p256dh', { ...subscription, keys: { auth, p256dh: p256dh.slice(1) } }],
    ['with a key that is no point of the curve', 'keys.p256dh', { ...subscription, keys: { auth, p256dh: notOnTheCurve } }],
    ['with a short secret', 'keys.auth', { ...subscription, keys: { auth: auth.slice(1), p256dh } }],
    ['without keys', 'keys', { kind: 'web', endpoint: subscription.endpoint }],
  ];

  test.each(bad)('%s is refused by the name of its field', async (_, field, body) => {
    const absence = await begin();
    const response = await absence.put(body);
    expect(response.status).toBe(400);
    expect(problem.parse(await response.json())).toMatchObject({ code: 'invalid_request', facts: { field } });
  });
});

describe('the SDK', () => {
  test('subscribes a device, which is woken when it is gone, and unsubscribes it', async () => {
    const [alice, directory] = [await devices.open(devices.directory(), 'push-alice'), devices.directory()];
    const bob = await devices.open(directory, 'push-bob');
    const { subscription } = service.subscriber('/push/sdk');
    await bob.push.subscribe(subscription);
    expect(await bob.push.applicationServerKey()).toMatch(/^[\w-]{87}$/);
    await devices.close(bob);
    const { conversationId } = await alice.conversationWith('push-bob');
    await alice.send(conversationId, { type: 'text', text: 'wake up' });
    await eventually(() => {
      expect(service.of('/push/sdk')).toHaveLength(1);
    }, patienceMs);
    const woken = await devices.open(directory);
    await eventually(() => expect(woken.messages(conversationId)).toHaveLength(1));
    await woken.push.unsubscribe();
    const refused = woken.push.subscribe({ ...subscription, endpoint: 'nowhere' });
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request', detail: { field: 'endpoint' } });
  });
});
