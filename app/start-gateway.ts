import { createServer } from 'node:http';

import type { Registry } from 'prom-client';

import { LocalDrains } from '../activities/local-drains.js';
import type { InboxDrainDependencies } from '../activities/drain-device.js';
import { GroupEvents } from '../gateway/group-events.js';
import { ExpiryBuckets } from '../gateway/media/expiry-buckets.js';
import { MediaKeeper } from '../gateway/media/media-keeper.js';
import { MessageExplainer } from '../gateway/message-explainer.js';
import { createRestApp } from '../gateway/rest/rest-app.js';
import type { Tickets } from '../gateway/admission/tickets.js';
import type { Statements } from '../gateway/statements.js';
import type { Tokens } from '../gateway/tokens.js';
import { createWebSocketGateway, type WebSocketGateway } from '../gateway/websocket/websocket-gateway.js';
import type { BlobFiles } from '../ports/blob-files.js';
import type { BlobStore } from '../ports/blob-store.js';
import type { GatewayEndpoint } from '../ports/gateway-link.js';
import { createGatewayEvents } from '../telemetry/gateway-events.js';
import type { Logger } from '../telemetry/logger.js';
import { createMediaEvents } from '../telemetry/media-events.js';
import { observeNumber } from '../telemetry/metrics.js';
import { createRestEvents } from '../telemetry/rest-events.js';
import type { Adapters } from './adapters.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import { listen, stopListening } from './listen.js';
import { inboxMaxAgeMs } from './profiles/sizes.js';
import { chooseRegistrationProof } from './registration-proof.js';

const localDrainsAtOnce = 200;
const sessionTimes = { ackTimeoutMs: 5_000, drainSilenceMs: 15_000, drainSilenceWhenAwayMs: 5_000 };
const windowBytes = 256 * 1024;
const maxBufferedBytes = 1024 * 1024;
const maxWaitingAppends = 100_000;
/** Longer than proxies keep an idle connection (60 s is usual): one that a proxy sends a request on is not just being closed here. */
const keepAliveMs = 75_000;

export interface GatewayRole {
  readonly config: Config;
  readonly adapters: Adapters;
  readonly blobs: BlobStore;
  /** Of a blob store that clients do not reach by themselves. */
  readonly blobFiles?: BlobFiles;
  readonly drain: InboxDrainDependencies;
  readonly tokens: Tokens;
  readonly statements: Statements;
  readonly tickets: Tickets;
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

function observe(gateway: WebSocketGateway, metrics: Registry): void {
  const gauge = (name: string, help: string, read: () => number) => {
    observeNumber(metrics, { name: `heliograph_gateway_${name}`, help }, read);
  };
  gauge('sessions', 'Open sessions.', () => gateway.sessions());
  gauge('connections', 'Open WebSockets.', () => gateway.connections());
  gauge('watches', 'Accounts that sessions watch, counted for each session.', () => gateway.watches());
  gauge('line_ms', 'How long a device that came now would wait to be let in.', () => gateway.lineMs());
  gauge('channel_watches', 'Channels that sessions watch, counted for each session.', () => gateway.channelWatches());
}

/** With the sweep for what is overdue. */
function keepMedia({ config, adapters, blobs, logger, metrics, closer }: GatewayRole): MediaKeeper {
  const events = createMediaEvents(logger, metrics);
  const buckets = new ExpiryBuckets({ ...adapters, events, bucketMs: config.media.bucketMs });
  const sweeping = new AbortController();
  const swept = buckets.sweep(sweeping.signal);
  closer.add('media sweep', async () => {
    sweeping.abort();
    await swept;
  });
  return new MediaKeeper({ ...adapters, blobs, buckets, events, times: config.media });
}

/** WebSocket and REST on the public port. */
export async function startGateway(role: GatewayRole): Promise<StartedGateway> {
  const { config, adapters, drain, tokens, tickets, epoch, logger, metrics, closer, attach } = role;
  const { network, gateway: settings } = config;
  const localDrains = new LocalDrains({ ...drain, gatewayId: settings.id, maxConcurrentDevices: localDrainsAtOnce });
  closer.add('local drains', () => localDrains.close());
  const keeper = keepMedia(role);
  const gateway = createWebSocketGateway({
    ...adapters,
    keeper,
    gatewayId: settings.id,
    ...{ tokens, tickets },
    ...{ epoch, inboxMaxAgeMs },
    events: createGatewayEvents(logger, metrics),
    drainLocally: (device, token) => {
      localDrains.drain(device, token);
    },
    options: {
      session: { ...sessionTimes, windowItems: settings.windowItems, windowBytes, maxBufferedBytes },
      ...network,
      admission: config.limits.admission,
      maxWaitingAppends,
    },
  });
  await attach(gateway.endpoint);
  observe(gateway, metrics);
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
    ...{ keeper, blobFiles: role.blobFiles },
    registrationProof: chooseRegistrationProof(config, adapters.clock, logger),
    groupEvents,
    explainer: new MessageExplainer({ ...adapters, epoch }),
    tokens,
    statements: role.statements,
    events: createRestEvents(logger, metrics),
    options: network,
  });
  const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: config.media.uploadMs }, rest);
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
