import { createServer } from 'node:http';

import type { Registry } from 'prom-client';

import { LocalDrains } from '../activities/local-drains.js';
import type { InboxDrainDependencies } from '../activities/drain-device.js';
import { GroupEvents } from '../gateway/group-events.js';
import { MessageExplainer } from '../gateway/message-explainer.js';
import { createRestApp } from '../gateway/rest/rest-app.js';
import type { Tokens } from '../gateway/tokens.js';
import { createWebSocketGateway } from '../gateway/websocket/websocket-gateway.js';
import type { GatewayEndpoint } from '../ports/gateway-link.js';
import { createGatewayEvents } from '../telemetry/gateway-events.js';
import type { Logger } from '../telemetry/logger.js';
import { observeNumber } from '../telemetry/metrics.js';
import { createRestEvents } from '../telemetry/rest-events.js';
import type { Adapters } from './adapters.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import { listen, stopListening } from './listen.js';
import { chooseRegistrationProof } from './registration-proof.js';

const localDrainsAtOnce = 200;
const sessionTimes = { ackTimeoutMs: 5_000, drainSilenceMs: 15_000, drainSilenceWhenAwayMs: 5_000 };
const windowBytes = 256 * 1024;
const maxBufferedBytes = 1024 * 1024;
const maxWaitingAppends = 100_000;

export interface GatewayRole {
  readonly config: Config;
  readonly adapters: Adapters;
  readonly drain: InboxDrainDependencies;
  readonly tokens: Tokens;
  readonly epoch: number;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly closer: Closer;
  /** Lets routers and drains reach this gateway, until the closer ends it. */
  readonly attach: (endpoint: GatewayEndpoint) => void | Promise<void>;
}

export interface StartedGateway {
  readonly port: number;
  /** Sends all sessions to other gateways, over the time that is configured. */
  drain(): Promise<void>;
}

/** WebSocket and REST on the public port. */
export async function startGateway(role: GatewayRole): Promise<StartedGateway> {
  const { config, adapters, drain, tokens, epoch, logger, metrics, closer, attach } = role;
  const { network, gateway: settings } = config;
  const localDrains = new LocalDrains({ ...drain, gatewayId: settings.id, maxConcurrentDevices: localDrainsAtOnce });
  closer.add('local drains', () => localDrains.close());
  const gateway = createWebSocketGateway({
    ...adapters,
    gatewayId: settings.id,
    tokens,
    epoch,
    events: createGatewayEvents(logger, metrics),
    drainLocally: (device, token) => {
      localDrains.drain(device, token);
    },
    options: {
      session: { ...sessionTimes, windowItems: settings.windowItems, windowBytes, maxBufferedBytes },
      ...network,
      maxWaitingAppends,
    },
  });
  await attach(gateway.endpoint);
  observeNumber(metrics, { name: 'heliograph_gateway_sessions', help: 'Open sessions.' }, () => gateway.sessions());
  observeNumber(metrics, { name: 'heliograph_gateway_connections', help: 'Open WebSockets.' }, () => gateway.connections());
  observeNumber(metrics, { name: 'heliograph_gateway_watches', help: 'Accounts that sessions watch, counted for each session.' }, () =>
    gateway.watches(),
  );
  const groupEvents = new GroupEvents({
    ...adapters,
    onDelayed: (error) => {
      logger.warn({ err: error }, 'a change of a group is told later');
    },
  });
  const sweeping = new AbortController();
  const swept = groupEvents.sweep(sweeping.signal);
  closer.add('group events', async () => {
    sweeping.abort();
    await swept;
  });
  const rest = createRestApp({
    ...adapters,
    registrationProof: chooseRegistrationProof(config, adapters.clock, logger),
    groupEvents,
    explainer: new MessageExplainer({ ...adapters, epoch }),
    tokens,
    events: createRestEvents(logger, metrics),
    options: network,
  });
  const server = createServer(rest);
  gateway.attach(server);
  closer.add('gateway', async () => {
    // Upgraded sockets keep a server open, so it is done when the gateway is.
    const stopped = stopListening(server);
    await gateway.close();
    await stopped;
  });
  const port = await listen(server, network.host, network.publicPort, 'HELIOGRAPH_PORT');
  return { port, drain: () => gateway.drain(settings.drainMs) };
}
