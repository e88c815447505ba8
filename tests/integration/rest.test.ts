import { randomBytes } from 'node:crypto';

import { beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';

import { makeAccountKeys } from '../../bench/load/register-accounts.js';
import type { LoadDevice } from '../../bench/load/wire.js';
import { createAsyncApi, describeFrames } from '../../gateway/rest/asyncapi.js';
import type { AccountId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { NewAccount } from '../../protocol/rest/account.js';
import { restCalls } from '../../protocol/rest/contract.js';
import { historyPage } from '../../protocol/rest/conversation.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';
import { eventually } from '../support/eventually.js';
import { RawPair } from '../support/raw-pair.js';
import { rawRest } from '../support/raw-rest.js';
import { isDistributed, sharedServer, type RunningServer } from '../support/server.js';
import { allowedOrigin } from '../support/shared-settings.js';

let server: RunningServer;
let pair: RawPair;

beforeAll(async () => {
  server = await sharedServer();
  pair = await RawPair.register(server);
}, 120_000);

const { call, problemOf, refusal } = rawRest(() => server.publicUrl);

const calls: readonly [string, RestCall][] = Object.entries(restCalls);
const withParams = calls.filter(([, { params }]) => params !== undefined);
const withBody = calls.filter(([, { body }]) => body !== undefined);

/** The path with what its parameters want. */
function pathOf({ path }: RestCall): string {
  const values = new Map(Object.entries({ accountId: pair.bob.accountId, deviceId: '1', messageId: pair.conversationId }));
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values.get(name) ?? pair.conversationId);
}

const caller = ({ open }: RestCall): LoadDevice | undefined => (open === true ? undefined : pair.alice);

describe('every call of the contract', () => {
  test.each(calls.filter(([, { open }]) => open !== true))('%s needs a token that the server signed', async (_, rest) => {
    const response = await call(rest.method, pathOf(rest));
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await problemOf(response)).toMatchObject({ status: 401, code: 'unauthenticated' });
    for (const authorization of ['Bearer', 'Bearer e30.e30.e30', `Basic ${pair.alice.token}`, `Bearer ${pair.alice.token}x`]) {
      expect(await refusal(rest.method, pathOf(rest), { headers: { authorization } })).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
  });

  test.each(calls)('%s names a query parameter that it does not know', async (_, rest) => {
    const refused = await refusal(rest.method, `${pathOf(rest)}?surprise=1`, { as: caller(rest), body: rest.body === undefined ? undefined : {} });
    expect(refused).toMatchObject({ status: 400, code: 'invalid_request', field: expect.stringMatching(/surprise|handle/) });
  });

  test.each(withParams)('%s names a path parameter that is none', async (_, rest) => {
    const [name = ''] = Object.keys(rest.params?.shape ?? {});
    const given = { as: caller(rest), body: rest.body === undefined ? undefined : {} };
    expect(await refusal(rest.method, rest.path.replace(`{${name}}`, 'nonsense'), given)).toEqual({
      status: 400,
      code: 'invalid_request',
      field: name,
    });
  });

  test.each(withBody)('%s refuses bodies that are not what it takes, and says why', async (_, rest) => {
    const send = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
      refusal(rest.method, pathOf(rest), { as: caller(rest), body, headers });
    expect(await send({ surprise: 1 })).toMatchObject({ status: 400, code: 'invalid_request', field: expect.any(String) });
    for (const body of [[], 'null', '1', '"text"']) expect(await send(body)).toMatchObject({ status: 400, field: 'body' });
    for (const body of ['{', '{"a":1}}', Buffer.from([0x7b, 0xff, 0x7d])])
      expect(await send(body)).toEqual({ status: 400, code: 'invalid_request', field: 'body' });
    expect(await send('{}', { 'content-type': 'text/plain' })).toEqual({ status: 415, code: 'invalid_request', field: 'content-type' });
    expect(await send('{}', { 'content-encoding': 'gzip' })).toEqual({ status: 415, code: 'invalid_request', field: 'content-encoding' });
    const large = await problemOf(await call(rest.method, pathOf(rest), { as: caller(rest), body: { a: 'x'.repeat(1024 * 1024) } }));
    expect(large).toMatchObject({ status: 413, code: 'too_large', facts: { field: 'body', limit: 1024 * 1024 } });
  });

  test.each(calls)('%s says which methods its resource takes', async (_, rest) => {
    const response = await call('PATCH', pathOf(rest));
    expect(response.headers.get('allow')?.split(', ')).toContain(rest.method.toUpperCase());
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'invalid_request' });
  });

  test('is in the OpenAPI document, and nothing else is', async () => {
    const document = (await (await call('GET', '/v1/openapi.json')).json()) as { paths: Record<string, Record<string, { operationId: string }>> };
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId}: ${method} ${path}`),
    );
    expect(documented.sort()).toEqual(calls.map(([operation, { method, path }]) => `${operation}: ${method} ${path}`).sort());
  });
});

test('an idle connection is kept for longer than proxies keep one, which is for them alone to know', async () => {
  expect((await call('GET', '/v1/nothing')).headers.get('keep-alive')).toBe(isDistributed ? null : 'timeout=75');
});

describe('what is no call', () => {
  test('is answered as a problem too', async () => {
    expect(await refusal('GET', '/v1/nothing')).toMatchObject({ status: 404, code: 'not_found' });
    expect(await refusal('GET', '/v1/accounts/%E0%A4%A', { as: pair.alice })).toEqual({ status: 400, code: 'invalid_request', field: 'path' });
  });

  test('may be the documentation, which a browser may show and nobody may frame', async () => {
    expect((await call('GET', '/')).headers.get('location')).toBe('/docs');
    const page = await call('GET', '/docs');
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const assets = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(assets.length).toBeGreaterThan(1);
    for (const path of assets) expect((await call('GET', new URL(path, `${server.publicUrl}/docs`).pathname)).status).toBe(200);
    const socketPage = await (await call('GET', '/docs/socket')).text();
    const { fromClients, fromServer } = describeFrames();
    for (const { type } of [...fromClients, ...fromServer]) expect(socketPage).toContain(`<h3>${type}</h3>`);
    expect(await (await call('GET', '/v1/asyncapi.json')).json()).toEqual(createAsyncApi());
  });

  test('from a browser is let through for the origins that are allowed', async () => {
    const preflight = (origin: string) => call('OPTIONS', '/v1/accounts', { headers: { origin, 'access-control-request-method': 'POST' } });
    const [allowed, other] = [await preflight(allowedOrigin), await preflight('https://elsewhere.example')];
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, allowedOrigin]);
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a registration', () => {
  const keys = makeAccountKeys();
  const fresh = (): NewAccount => keys.accountOf(v7() as AccountId, randomBytes(32));
  const register = (account: unknown) => refusal('POST', '/v1/accounts', { body: account });

  test.each([
    ['handle', { handle: 'Alice' }],
    ['handle', { handle: 'al' }],
    ['handle', { handle: `a${'b'.repeat(32)}` }],
    ['accountId', { accountId: 'me' }],
    ['identityKey', { identityKey: randomBytes(32) }],
    ['deviceList.version', { deviceList: { version: 0, signature: randomBytes(64) } }],
    ['deviceList.signature', { deviceList: { version: 1, signature: randomBytes(64) } }],
  ])('with a bad %s is refused by that name', async (field, change) => {
    expect(await register({ ...fresh(), ...change })).toEqual({ status: 400, code: 'invalid_request', field });
  });

  test('with keys that its identity key did not sign is refused by their name', async () => {
    const account = fresh();
    const { signedPrekey } = account.device.keys;
    const forged = { ...account.device.keys, signedPrekey: { ...signedPrekey, signature: randomBytes(64) } };
    expect(await register({ ...account, device: { ...account.device, keys: forged } })).toEqual({
      ...{ status: 400, code: 'invalid_request' },
      field: 'device.keys.signedPrekey.signature',
    });
  });

  test('of a handle that is taken is a conflict; the same one again is not', async () => {
    const account = fresh();
    expect((await call('POST', '/v1/accounts', { body: account })).status).toBe(201);
    expect((await call('POST', '/v1/accounts', { body: account })).status).toBe(200);
    expect(await register({ ...fresh(), handle: account.handle })).toMatchObject({ status: 409, code: 'conflict', field: 'handle' });
  });
});

describe('history', () => {
  const path = () => `/v1/conversations/${pair.conversationId}/messages`;
  const page = async (query: string) => {
    const { items } = historyPage.parse(await (await call('GET', `${path()}?${query}`, { as: pair.bob })).json());
    return items.map(({ position }) => position);
  };

  test.each(['limit=0', `limit=${limits.maxHistoryPage + 1}`, 'limit=-1', 'limit=1.5', 'limit=', 'before=x', 'after=-1', 'before=99999999999999999'])(
    'with %s is refused by the name of the parameter',
    async (query) => {
      expect(await refusal('GET', `${path()}?${query}`, { as: pair.alice })).toEqual({
        ...{ status: 400, code: 'invalid_request' },
        field: query.split('=')[0],
      });
    },
  );

  test('goes backwards from the newest and forwards from a position, page by page, and is empty beyond its ends', async () => {
    const alice = await pair.connect(pair.alice);
    const positions: number[] = [];
    for (let count = 0; count < 7; count += 1) {
      const frame = pair.message();
      alice.send(frame);
      const reply = await alice.reply(frame.id);
      if (reply.type === 'accepted') positions.push(reply.position);
    }
    alice.terminate();
    expect(positions.length).toBe(7);
    const newestFirst = [...positions].reverse();
    // What is accepted comes to history a little later.
    await eventually(async () => expect(await page('limit=3')).toEqual(newestFirst.slice(0, 3)));
    expect(await page(`limit=3&before=${newestFirst[2]}`)).toEqual(newestFirst.slice(3, 6));
    expect(await page('after=0&limit=2')).toEqual(positions.slice(0, 2));
    expect(await page(`after=${positions[1]}&limit=2`)).toEqual(positions.slice(2, 4));
    expect(await page(`after=${positions[6]}`)).toEqual([]);
    expect(await page(`before=${positions[0]}`)).toEqual([]);
  });

  test('receipts and the conversation itself are for members', async () => {
    const stranger = (await RawPair.register(server)).alice;
    for (const part of ['', '/messages', '/receipts']) {
      const refused = await refusal('GET', `/v1/conversations/${pair.conversationId}${part}`, { as: stranger });
      expect(refused).toMatchObject({ status: 403, code: 'not_a_member' });
    }
  });
});

describe('devices', () => {
  test('show when they connected last; the last one of an account stays', async () => {
    const { alice } = await RawPair.register(server);
    const list = async () => ((await (await call('GET', '/v1/devices', { as: alice })).json()) as { items: { lastSeenAtMs?: number }[] }).items;
    expect(await list()).toEqual([expect.not.objectContaining({ lastSeenAtMs: expect.anything() })]);
    const fromMs = Date.now();
    (await pair.connect(alice)).terminate();
    await eventually(async () => expect((await list())[0]?.lastSeenAtMs).toBeGreaterThanOrEqual(fromMs));
    const deviceList = { version: 2, signature: randomBytes(64) };
    expect(await refusal('DELETE', '/v1/devices/1', { as: alice, body: { deviceList } })).toMatchObject({ status: 409, code: 'conflict' });
    expect(await refusal('DELETE', '/v1/devices/4', { as: alice, body: { deviceList } })).toMatchObject({ status: 404, code: 'not_found' });
  });
});
