import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

import { afterEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { WebSocket } from 'ws';

import { createSystemClock } from '../../adapters/system/system-clock.js';
import { LinkClient } from '../../adapters/websocket-link/link-client.js';
import { createLinkServer, type LinkServer } from '../../adapters/websocket-link/link-server.js';
import type { GatewayAddress } from '../../ports/gateway-addresses.js';
import type { GatewayEndpoint, Push, PushAnswer } from '../../ports/gateway-link.js';
import { createLinkEvents } from '../../telemetry/link-events.js';
import { createLogger } from '../../telemetry/logger.js';
import { newDevice } from '../support/drain-fixtures.js';
import { eventually } from '../support/eventually.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { gatewayLinkContract, recordingEndpoint } from './gateway-link-contract.js';

const secret = 'a secret of more than thirty-two bytes';
const events = createLinkEvents(createLogger('silent'), new Registry());

interface Gateway {
  readonly server: Server;
  readonly link: LinkServer;
  readonly port: number;
}

async function startGateway(endpoint: GatewayEndpoint): Promise<Gateway> {
  const server = createServer();
  const link = createLinkServer({ endpoint, secret, events });
  link.attach(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, link, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

function stopGateway({ server, link }: Gateway): Promise<void> {
  link.close();
  return new Promise((resolve) => server.close(() => resolve()));
}

function startClient(announced: readonly GatewayAddress[], ownSecret = secret): LinkClient {
  const done = () => Promise.resolve();
  const addresses = { announce: done, withdraw: done, list: () => Promise.resolve([...announced]) };
  const client = new LinkClient({ addresses, secret: ownSecret, clock: createSystemClock(), events });
  client.start();
  return client;
}

gatewayLinkContract('websocket', async (endpoint) => {
  const gateway = await startGateway(endpoint);
  const client = startClient([{ gatewayId: 'one', url: `ws://127.0.0.1:${gateway.port}` }]);
  return {
    link: client,
    cut: () => gateway.link.close(),
    dispose: async () => {
      await client.close();
      await stopGateway(gateway);
    },
  };
});

describe('the link over websockets', () => {
  const session = { device: newDevice(), sessionEpoch: 1 };
  const push = { partition: 0, item: {}, targets: [{ ...session, stream: 0 }] } as unknown as Push;
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function connect(clientSecret = secret) {
    const endpoint = recordingEndpoint();
    const gateway = await startGateway(endpoint);
    const proxy = await startTcpProxy(gateway.port);
    const announced = [{ gatewayId: 'one', url: `ws://127.0.0.1:${proxy.port}` }];
    const client = startClient(announced, clientSecret);
    closing.push(
      () => stopGateway(gateway),
      () => proxy.close(),
      () => client.close(),
    );
    return { endpoint, gateway, proxy, client, announced };
  }
  const connected = (client: LinkClient) =>
    eventually(() => {
      const connection = client.to('one');
      if (connection === undefined) throw new Error('there is no connection yet');
      return connection;
    });

  test('opens again by itself after it broke, as another link', async () => {
    const { client, proxy, endpoint } = await connect();
    const first = await connected(client);
    proxy.cut();
    await eventually(() => expect(client.to('one')).toBeUndefined());
    proxy.mend();
    const second = await connected(client);
    expect(second.linkId).not.toBe(first.linkId);
    expect(endpoint.lost).toEqual([first.linkId]);
    expect(await second.nudge(session, 3)).toEqual({ outcome: 'ok', stream: 3 });
  });

  test('is lost on both sides within seconds when nothing goes through any more', async () => {
    const { client, proxy, endpoint } = await connect();
    const connection = await connected(client);
    const answers: PushAnswer[] = [];
    proxy.freeze();
    connection.push(push, (_index, answer) => answers.push(answer));
    await eventually(() => expect([answers, endpoint.lost]).toEqual([['lost'], [connection.linkId]]));
    expect(endpoint.pushes).toEqual([]);
  });

  test('goes on over a slow network', async () => {
    const { client, proxy } = await connect();
    const connection = await connected(client);
    proxy.delay(500);
    expect(await connection.nudge(session, 1)).toEqual({ outcome: 'ok', stream: 1 });
    expect(client.to('one')).toBe(connection);
  });

  test('finds a gateway that is announced later, and forgets one that is gone', async () => {
    const { client, announced, gateway } = await connect();
    await connected(client);
    const second = await startGateway(recordingEndpoint('two'));
    closing.unshift(() => stopGateway(second));
    announced.push({ gatewayId: 'two', url: `ws://127.0.0.1:${second.port}` });
    await eventually(() => expect(client.to('two')?.gatewayId).toBe('two'));
    announced.splice(0, 1);
    gateway.link.close();
    await eventually(() => expect(client.to('one')).toBeUndefined());
    announced.push({ gatewayId: 'one', url: `ws://127.0.0.1:${gateway.port}` });
    await connected(client);
  });

  test('refuses a caller that does not know the secret', async () => {
    const { client, endpoint } = await connect('another secret of more than 32 bytes');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([client.to('one'), endpoint.lost]).toEqual([undefined, []]);
  });

  test.each(['', 'Bearer nonsense'])('refuses a caller with the header %p', async (authorization) => {
    const { gateway } = await connect();
    const ws = new WebSocket(`ws://127.0.0.1:${gateway.port}/?link=x`, { headers: { authorization } });
    const [error] = (await once(ws, 'error')) as [Error];
    expect(error.message).toContain('401');
  });
});
