import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v4, v7 } from 'uuid';

import { makeAccountKeys } from '../../bench/load/register-accounts.js';
import type { LoadDevice } from '../../bench/load/wire.js';
import type { AccountId } from '../../protocol/ids.js';
import { rateLimits } from '../../protocol/limits.js';
import { RawPair } from '../support/raw-pair.js';
import { rawRest } from '../support/raw-rest.js';
import { TestServer } from '../support/server.js';
import { shippedLimits } from '../support/shipped-limits.js';
import { untilLimited } from '../support/until-limited.js';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ each: 1, environment: shippedLimits('token', 'groupChange', 'join', 'link', 'prekeyBundle', 'explain') });
}, 120_000);
afterAll(() => server.stop());

const { call, problemOf } = rawRest(() => server.publicUrl);

/** That it is refused with 429, after as many answers with this status as the limit says. */
async function expectLimited(
  limit: { readonly burst: number; readonly perSecond: number },
  status: number,
  ask: () => Promise<Response>,
): Promise<Response> {
  const refused = await untilLimited(limit, ask, (answer) => answer.status !== status);
  expect(refused.status).toBe(429);
  return refused;
}

test('tokens and links are not given as fast as somebody can guess or ask', async () => {
  const account = makeAccountKeys().accountOf(v7() as AccountId, randomBytes(32));
  await call('POST', '/v1/accounts', { body: account });
  const guess = () => call('POST', '/v1/tokens', { body: { accountId: account.accountId, deviceId: 1, secret: randomBytes(32) } });
  const limited = await expectLimited(rateLimits.token, 401, guess);
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await problemOf(limited)).toMatchObject({ status: 429, code: 'rate_limited', retryAfterMs: expect.any(Number) });
  await expectLimited(rateLimits.link, 201, () => call('POST', '/v1/links', { body: { linkId: v4(), secret: randomBytes(32) } }));
});

test('prekeys and explanations are not given as fast as somebody can ask; others get them meanwhile', async () => {
  const { alice, bob } = await RawPair.register(server);
  const claim = (as: LoadDevice) => call('GET', `/v1/accounts/${bob.accountId}/prekeys`, { as });
  const explain = (as: LoadDevice) => call('GET', `/v1/messages/${v7()}/explain`, { as });
  await expectLimited(rateLimits.prekeyBundle, 200, () => claim(alice));
  await expectLimited(rateLimits.explain, 404, () => explain(alice));
  const other = (await RawPair.register(server)).alice;
  expect([(await claim(other)).status, (await explain(other)).status]).toEqual([200, 404]);
});

test('groups are not made and changed, nor invites guessed, as fast as somebody can ask', async () => {
  const as = (await RawPair.register(server)).alice;
  const conversationId = v7();
  const make = (id = v7()) => call('POST', '/v1/conversations', { as, body: { kind: 'group', conversationId: id, members: [] } });
  expect((await make(conversationId)).status).toBe(201);
  const { burst, perSecond } = rateLimits.groupChange;
  await expectLimited({ burst: burst - 1, perSecond }, 201, () => make());
  await expectLimited({ burst: 0, perSecond }, 200, () => call('PUT', `/v1/conversations/${conversationId}/title`, { as, body: { title: 'dA' } }));
  await expectLimited(rateLimits.join, 404, () => call('POST', '/v1/invites', { as, body: { secret: randomBytes(24) } }));
});
