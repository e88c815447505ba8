import { createHistoryPassed } from '../../activities/history-passed.js';
import { createInboxDrainActivities } from '../../activities/inbox-drain.js';
import { createMemoryAnnouncements } from '../../adapters/memory/announcements.js';
import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createMemoryRateLimiter } from '../../adapters/memory/rate-limiter.js';
import { createRosterCache } from '../../adapters/memory/roster-cache.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { createTokens, openTokenKeys } from '../../gateway/tokens.js';
import { createDrainEvents } from '../../telemetry/drain-events.js';
import type { Logger } from '../../telemetry/logger.js';
import { createMetricsRegistry } from '../../telemetry/metrics.js';
import type { Adapters } from '../adapters.js';
import type { Closer } from '../closer.js';
import type { Config } from '../config/load-config.js';
import type { DataDirectory } from '../data-directory.js';
import { openDirectory } from '../open-directory.js';
import { openLocalStores } from '../open-local-stores.js';
import { startAdmin } from '../start-admin.js';
import { startGateway } from '../start-gateway.js';
import { startPipeline } from '../start-pipeline.js';
import { startTemporal } from '../start-temporal.js';
import { startTemporalWorker } from '../temporal-worker.js';

const messagesEpoch = 1;
const rosterCache = { maxConversations: 100_000, maxAgeMs: 30_000 };
const workerSlots = { workflowTasks: 40, activities: 40, cachedWorkflows: 200 };
/** Of one wave. */
const devicesDrainedAtOnce = 200;

export interface EmbeddedServer {
  readonly publicUrl: string;
  readonly adminUrl: string;
  /** `undefined` when Temporal runs elsewhere. */
  readonly temporalUiUrl: string | undefined;
}

export interface EmbeddedOptions {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly logger: Logger;
  readonly closer: Closer;
  /** Called when a part is up. */
  readonly progress: (part: string, tookMs: number) => void;
}

/** Everything in this process, with PostgreSQL and Temporal as its children. What was opened is in the closer, also when it throws. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { config, data, logger, closer, progress } = options;
  const clock = createSystemClock();
  const metrics = createMetricsRegistry();
  const timed = async <Part>(part: string, start: () => Promise<Part>): Promise<Part> => {
    const startMs = performance.now();
    const started = await start();
    progress(part, performance.now() - startMs);
    return started;
  };

  const [stores, directory, temporal] = await allOrThrow([
    timed('message log and stores', () => openLocalStores({ config, directory: data.subdirectory('lmdb'), clock, logger, closer })),
    timed('PostgreSQL', () => openDirectory({ config, data, logger, closer })),
    timed('Temporal', () => startTemporal({ config, data, logger, closer })),
  ]);
  const address = { address: temporal.address, namespace: config.temporal.namespace };
  const temporalConnection = openTemporalConnection(address);
  closer.add('temporal connection', () => temporalConnection.close());
  const announcements = createMemoryAnnouncements();
  const rosters = createRosterCache(directory.conversations, announcements, rosterCache);
  const gatewayLink = createInProcessGatewayLink();
  const adapters: Adapters = {
    ...stores,
    ...directory,
    clock,
    registry: createMemorySessionRegistry(clock),
    rateLimiter: createMemoryRateLimiter(config.limits),
    announcements,
    rosters,
    link: gatewayLink.link,
    work: createTemporalDurableWork(temporalConnection),
  };
  const drain = { ...adapters, historyPassed: createHistoryPassed(stores.eventLog, 'history-writer'), events: createDrainEvents(logger, metrics) };
  const tokens = createTokens({ keys: openTokenKeys(data.subdirectory('keys')), clock, lifetimeMs: config.gateway.tokenLifetimeMs });

  await timed('pipeline', () => startPipeline({ adapters, epoch: messagesEpoch, logger, metrics, closer }));
  const activities = createInboxDrainActivities({ ...drain, maxConcurrentDevices: devicesDrainedAtOnce });
  const worker = startTemporalWorker({ ...address, activities, slots: workerSlots, clock, logger });
  closer.add('temporal worker', () => worker.close());
  const role = { config, adapters, drain, tokens, epoch: messagesEpoch, logger, metrics, closer };
  const attachGateway: Parameters<typeof startGateway>[0]['attach'] = (endpoint) => {
    gatewayLink.attach(endpoint);
    return () => {
      gatewayLink.detach(endpoint.gatewayId);
    };
  };
  const publicPort = await timed('gateway', () => startGateway({ ...role, attach: attachGateway }));

  const adminPort = await startAdmin({ config, metrics, closer }, [
    { name: 'postgres', ok: () => directory.ping() },
    { name: 'temporal', ok: () => worker.isRunning(), optional: true },
  ]);
  return {
    publicUrl: urlOf(config.network.host, publicPort),
    adminUrl: urlOf(config.network.host, adminPort),
    temporalUiUrl: temporal.uiUrl,
  };
}

/** All of them end before the first failure is thrown, so that what did start is in the closer. */
async function allOrThrow<Parts extends readonly unknown[]>(parts: { readonly [Index in keyof Parts]: Promise<Parts[Index]> }): Promise<Parts> {
  await Promise.allSettled(parts);
  return await Promise.all(parts);
}

/** An address to click on: what listens everywhere is shown as this machine. */
function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
