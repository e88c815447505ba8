import { createFilesystemBlobStore } from '../../adapters/filesystem/filesystem-blob-store.js';
import { createMemoryAnnouncements } from '../../adapters/memory/announcements.js';
import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createMemoryPresence } from '../../adapters/memory/presence.js';
import { createMemoryQuietPeriods } from '../../adapters/memory/quiet-periods.js';
import { createMemoryRateLimiter } from '../../adapters/memory/rate-limiter.js';
import { createMemoryDrainPause } from '../../adapters/memory/drain-pause.js';
import { createMemoryHeads } from '../../adapters/memory/heads.js';
import { createRosterCache } from '../../adapters/memory/roster-cache.js';
import { createMemorySignals } from '../../adapters/memory/signals.js';
import { createMemoryWaitingLine } from '../../adapters/memory/waiting-line.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { createTemporalWorkflowViews } from '../../adapters/temporal/workflow-views.js';
import { createTickets } from '../../gateway/admission/tickets.js';
import { createStatements } from '../../gateway/statements.js';
import { createTokens } from '../../gateway/tokens.js';
import type { Clock } from '../../ports/clock.js';
import type { GatewayEndpoint } from '../../ports/gateway-link.js';
import type { Logger } from '../../telemetry/logger.js';
import { createMetricsRegistry } from '../../telemetry/metrics.js';
import { createActivities } from '../activities.js';
import type { Adapters } from '../adapters.js';
import { allOrThrow } from '../all-or-throw.js';
import type { Closer } from '../closer.js';
import type { Config } from '../config/load-config.js';
import type { DataDirectory } from '../data-directory.js';
import { openDirectory, type OpenedDirectory } from '../open-directory.js';
import { openLocalStores } from '../open-local-stores.js';
import { openPush } from '../open-push.js';
import { openBlobKey, openTicketKey, openTokenKeys, openVapidKey } from '../own-keys.js';
import { openOperatorToken } from '../operator-token.js';
import { addressToOpen } from '../address-to-open.js';
import { createDrains } from '../drains.js';
import { startAdmin } from '../start-admin.js';
import { startGateway } from '../start-gateway.js';
import { startPipeline } from '../start-pipeline.js';
import { startPostgres } from '../start-postgres.js';
import { startTemporal } from '../start-temporal.js';
import { startTemporalWorker } from '../temporal-worker.js';
import { messagesEpoch, rosterCache, workerSlots } from './sizes.js';

const postgresPatience = { timeoutMs: 30_000, remedy: 'see postgres/postgres.log in the data directory, or correct HELIOGRAPH_POSTGRES_URL' };

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
    timed('PostgreSQL', () => openOwnDirectory(options)),
    timed('Temporal', () => startTemporal({ config, data, logger, closer })),
  ]);
  const address = { address: temporal.address, namespace: config.temporal.namespace, taskQueue: config.temporal.taskQueue };
  const temporalConnection = openTemporalConnection(address);
  closer.add('temporal connection', () => temporalConnection.close());
  const announcements = createMemoryAnnouncements();
  const rosters = createRosterCache(directory.conversations, announcements, rosterCache);
  const gatewayLink = createInProcessGatewayLink();
  const keys = data.subdirectory('keys');
  const privateKey = config.push.vapidPrivateKey?.reveal() ?? openVapidKey(keys);
  const push = openPush({ config, privateKey, eventLog: stores.eventLog, clock, logger, metrics, closer });
  const adapters: Adapters = {
    ...{ ...stores, ...directory, ...push, clock, announcements, rosters, ...withinProcess(config, clock), link: gatewayLink.link },
    ...{ work: createTemporalDurableWork(temporalConnection), workflowViews: createTemporalWorkflowViews(temporalConnection) },
  };
  const drain = { ...adapters, ...createDrains({ ...adapters, logger, metrics }) };
  const tokenKeys = openTokenKeys(keys);
  const tokens = createTokens({ keys: tokenKeys, clock, lifetimeMs: config.gateway.tokenLifetimeMs });
  const statements = createStatements(tokenKeys);

  await timed('pipeline', () => startPipeline({ config, adapters, epoch: messagesEpoch, logger, metrics, closer }));
  const blobs = createFilesystemBlobStore({ directory: data.subdirectory('blobs'), key: openBlobKey(keys), clock });
  const activities = createActivities({ adapters, drain, blobs, logger, metrics });
  const worker = startTemporalWorker({ ...address, activities, slots: workerSlots, clock, logger });
  closer.add('temporal worker', () => worker.close());
  const tickets = createTickets(openTicketKey(keys));
  const role = { config, adapters, blobs, blobFiles: blobs, drain, tokens, statements, tickets, epoch: messagesEpoch, logger, metrics, closer };
  const attach = (endpoint: GatewayEndpoint) => {
    gatewayLink.attach(endpoint);
    closer.add('gateway link', () => {
      gatewayLink.detach(endpoint.gatewayId);
    });
  };
  const { port: publicPort } = await timed('gateway', () => startGateway({ ...role, attach }));

  const adminPort = await startAdmin({ ...role, operatorToken: openOperatorToken(config, keys) }, [
    { name: 'postgres', ok: () => directory.ping() },
    { name: 'temporal', ok: () => worker.isRunning(), optional: true },
  ]);
  return {
    publicUrl: addressToOpen(config.network.host, publicPort),
    adminUrl: addressToOpen(config.network.host, adminPort),
    temporalUiUrl: temporal.uiUrl,
  };
}

/** What ends with the process. */
function withinProcess(config: Config, clock: Clock) {
  return {
    line: createMemoryWaitingLine(clock),
    rateLimiter: createMemoryRateLimiter(config.limits, clock),
    quietPeriods: createMemoryQuietPeriods(clock, config.push.quietMs),
    drainPause: createMemoryDrainPause(clock),
    signals: createMemorySignals(),
    presence: createMemoryPresence(),
    heads: createMemoryHeads(),
  };
}

async function openOwnDirectory(options: EmbeddedOptions): Promise<OpenedDirectory> {
  const { config, logger, closer } = options;
  const url = await startPostgres(options);
  return openDirectory({ url, maxConnections: config.postgres.maxConnections, ...postgresPatience, logger, closer });
}
