import { createServer } from 'node:http';

import { createLinkServer } from '../adapters/websocket-link/link-server.js';
import type { Clock } from '../ports/clock.js';
import type { GatewayAddresses } from '../ports/gateway-addresses.js';
import type { GatewayEndpoint } from '../ports/gateway-link.js';
import type { LinkEvents } from '../telemetry/link-events.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import { listen, stopListening } from './listen.js';

/** An announcement holds for 15 s. */
const announceEveryMs = 2_000;

export interface LinkServerRole {
  readonly config: Config;
  readonly secret: string;
  readonly addresses: GatewayAddresses;
  readonly clock: Clock;
  readonly events: LinkEvents;
  readonly closer: Closer;
}

/** Lets pipelines and workers reach a gateway, and tells them where it is; answers the port. */
export async function startLinkServer(role: LinkServerRole, endpoint: GatewayEndpoint): Promise<number> {
  const { config, secret, addresses, clock, events, closer } = role;
  const { gatewayId } = endpoint;
  const link = createLinkServer({ endpoint, secret, events });
  const server = createServer();
  link.attach(server);
  const stop = new AbortController();
  const port = await listen(server, config.network.host, config.gateway.linkPort, 'HELIOGRAPH_LINK_PORT');
  const url = `ws://${config.gateway.linkHost}:${port}`;
  const announcing = repeatUntil(stop.signal, clock, () => addresses.announce({ gatewayId, url }));
  closer.add('gateway link', async () => {
    stop.abort();
    await announcing;
    await addresses.withdraw(gatewayId).catch(() => undefined);
    link.close();
    await stopListening(server);
  });
  return port;
}

/** What fails is told again with the next turn. */
async function repeatUntil(signal: AbortSignal, clock: Clock, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work().catch(() => undefined);
    await clock.sleep(announceEveryMs, signal).catch(() => undefined);
  }
}
