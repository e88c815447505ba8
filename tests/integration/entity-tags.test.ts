import { beforeAll, describe, expect, test } from '@jest/globals';

import { bytesReplacer } from '../../protocol/bytes.js';
import { eventually } from '../support/eventually.js';
import { RawPair } from '../support/raw-pair.js';
import { sharedServer, type RunningServer } from '../support/server.js';

let server: RunningServer;
let pair: RawPair;

beforeAll(async () => {
  server = await sharedServer();
  pair = await RawPair.register(server);
}, 120_000);

/** As Alice. */
function call(
  method: string,
  path: string,
  { body, headers = {} }: { readonly body?: object; readonly headers?: Readonly<Record<string, string>> } = {},
) {
  return fetch(server.publicUrl + path, {
    method,
    headers: { authorization: `Bearer ${pair.alice.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body, bytesReplacer) }),
  });
}

describe('an answer that a client has', () => {
  const tagOf = (response: Response) => response.headers.get('etag') ?? '';
  const again = (path: string, tag: string, method = 'GET') => call(method, path, { headers: { 'if-none-match': tag } });

  test('does not come again as long as it is the same', async () => {
    const conversation = `/v1/conversations/${pair.conversationId}`;
    const paths = [
      '/v1/accounts/self',
      `/v1/accounts/${pair.bob.accountId}`,
      '/v1/devices',
      '/v1/conversations',
      conversation,
      `${conversation}/messages`,
    ];
    for (const path of [...paths, '/docs', '/docs/socket', '/v1/openapi.json', '/v1/asyncapi.json']) {
      const first = await call('GET', path);
      expect(first.headers.get('cache-control')).toMatch(/^(private|public), no-cache$/);
      const [second, other, head] = [await again(path, tagOf(first)), await again(path, '"other"'), await again(path, tagOf(first), 'HEAD')];
      expect({ path, status: second.status, text: await second.text() }).toEqual({ path, status: 304, text: '' });
      expect({ path, status: other.status, head: head.status }).toEqual({ path, status: 200, head: 304 });
    }
    expect((await again('/docs/assets/swagger-ui.css', '')).headers.get('last-modified')).not.toBeNull();
  });

  test('comes as soon as it changed: a message in history, a setting', async () => {
    const history = `/v1/conversations/${pair.conversationId}/messages`;
    const [before, settings] = [await call('GET', history), await call('GET', '/v1/accounts/self')];
    const client = await pair.connect(pair.alice);
    const message = pair.message();
    client.send(message);
    expect(await client.reply(message.id)).toMatchObject({ type: 'accepted' });
    await client.close();
    await eventually(async () => {
      expect((await again(history, tagOf(before))).status).toBe(200);
    });
    await call('PUT', '/v1/accounts/self/privacy', { body: { lastSeen: 'nobody', readReceipts: true } });
    expect((await again('/v1/accounts/self', tagOf(settings))).status).toBe(200);
  });

  test('is not kept by anybody where each one is another, such as keys that are handed out', async () => {
    const bundle = await call('GET', `/v1/accounts/${pair.bob.accountId}/prekeys`);
    expect([bundle.status, bundle.headers.get('etag'), bundle.headers.get('cache-control')]).toEqual([200, null, 'no-store']);
  });
});
