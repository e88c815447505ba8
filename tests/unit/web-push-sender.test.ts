import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { lookupPublic } from '../../adapters/web-push/public-address.js';
import { vapidPublicKey } from '../../adapters/web-push/vapid-key.js';
import { createWebPushSender } from '../../adapters/web-push/web-push-sender.js';
import { openVapidKey } from '../../app/own-keys.js';
import { wakeUpPayload } from '../../protocol/rest/push.js';
import { PushService, Subscriber } from '../support/push-service.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const service = new PushService();
const directory = temporaryDirectory();
const privateKey = openVapidKey(directory.path);
const subject = 'mailto:operator@test.example';
const sender = createWebPushSender({ privateKey, subject, allowPrivate: true });
const strict = createWebPushSender({ privateKey, subject, allowPrivate: false });

beforeAll(() => service.open());
afterAll(async () => {
  await service.close();
  directory.remove();
});

describe('the VAPID key of a data directory', () => {
  test('is made once', () => {
    expect(openVapidKey(directory.path)).toBe(privateKey);
    expect(vapidPublicKey(privateKey)).toBe(sender.applicationServerKey);
  });
});

describe('a Web Push', () => {
  test.each([
    [201, {}, { outcome: 'sent' }],
    [404, {}, { outcome: 'unregistered' }],
    [410, {}, { outcome: 'unregistered' }],
    [429, { 'retry-after': '7' }, { outcome: 'later', retryAfterMs: 7_000 }],
    [503, {}, { outcome: 'later' }],
    [500, { 'retry-after': 'whenever' }, { outcome: 'later' }],
    [503, { 'retry-after': new Date(0).toUTCString() }, { outcome: 'later', retryAfterMs: 0 }],
    [307, { location: '/elsewhere' }, { outcome: 'refused' }],
    [413, {}, { outcome: 'refused' }],
  ])('that is answered with %i %j comes to %j', async (status, headers, outcome) => {
    service.answers.set('/answer', { status, headers });
    expect(await sender.send(service.subscriber('/answer').subscription, wakeUpPayload)).toEqual(outcome);
    expect(service.of('/elsewhere')).toEqual([]);
  });

  test('for nobody who listens is for later', async () => {
    const { subscription } = new Subscriber('http://127.0.0.1:1/');
    expect(await sender.send(subscription, wakeUpPayload)).toEqual({ outcome: 'later' });
  });
});

describe('an endpoint that is not of the public internet', () => {
  test.each([
    'https://127.0.0.1/x',
    'https://0x7f.1/x',
    'https://10.0.0.1/x',
    'https://172.16.3.4/x',
    'https://192.168.1.1/x',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/x',
    'https://0.0.0.0/x',
    'https://[::1]/x',
    'https://[fe80::1]/x',
    'https://[fd00::1]/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://[64:ff9b::7f00:1]/x',
    'https://localhost/x',
    'https://a.localhost./x',
    'http://93.184.215.14/x',
  ])('%s is refused, and nothing sent there', async (endpoint) => {
    const { subscription } = new Subscriber(endpoint);
    expect(() => {
      strict.check(subscription);
    }).toThrow('endpoint: must be');
    expect(await strict.send(subscription, wakeUpPayload)).toEqual({ outcome: 'refused' });
  });

  test.each(['https://fcm.googleapis.com/fcm/send/x', 'https://93.184.215.14/x', 'https://[2606:2800:21f:cb07::1]/x'])(
    '%s is not one',
    (endpoint) => {
      strict.check(new Subscriber(endpoint).subscription);
    },
  );

  test.each([true, false])('is not connected to when a name leads there (all addresses: %s)', async (all) => {
    const error = await new Promise((resolve) => {
      lookupPublic('localhost', { all }, resolve);
    });
    expect(error).toMatchObject({ name: 'PrivateAddressError' });
  });
});
