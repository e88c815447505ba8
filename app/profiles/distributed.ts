import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createRosterCache } from '../../adapters/memory/roster-cache.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { createTemporalWorkflowViews } from '../../adapters/temporal/workflow-views.js';
import { LinkClient } from '../../adapters/websocket-link/link-client.js';
import { deriveKey } from '../../core/derive-key.js';
import { createTickets } from '../../gateway/admission/tickets.js';
import { createStatements } from '../../gateway/statements.js';
import { createTokens, tokenKeysOf } from '../../gateway/tokens.js';
import type { BlobStore } from '../../ports/blob-store.js';
import { createLinkEvents } from '../../telemetry/link-events.js';
import type { Logger } from '../../telemetry/logger.js';
import { createMetricsRegistry } from '../../telemetry/metrics.js';
import { createActivities } from '../activities.js';
import type { Adapters } from '../adapters.js';
import { allOrThrow } from '../all-or-throw.js';
import type { Dependency } from '../admin-server.js';
import type { Closer } from '../closer.js';
import type { Config } from '../config/load-config.js';
import { openDirectory } from '../open-directory.js';
import { openPush } from '../open-push.js';
import { openCassandra, openKafka, openRedis, openS3, sharedPostgres } from '../open-shared-stores.js';
import { requiredSetting } from '../required-setting.js';
import { createDrains } from '../drains.js';
import { startAdmin } from '../start-admin.js';
import { StartError } from '../start-error.js';
import { startGateway, type StartedGateway } from '../start-gateway.js';
import { startLinkServer } from '../start-link-server.js';
import { startPipeline } from '../start-pipeline.js';
import { messagesEpoch, rosterCache, workerSlots } from './sizes.js';

const shortestSecret = 32;
/** A load balancer asks twice a second whether new sessions are welcome. */
const balancerNoticesMs = 1_500;
const drainGraceMs = 10_000;

export interface DistributedOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly closer: Closer;
  /** Called once for each engine that does not answer yet. */
  readonly waiting: (name: string) => void;
}

export interface DistributedProcess {
  readonly roles: readonly string[];
  readonly adminPort: number;
  /** Of a gateway. */
  readonly publicPort: number | undefined;
}

/** The roles of this process, on engines that run elsewhere. It serves nobody before all of them answered. What was opened is in the closer, also when it throws. */
export async function startDistributed(options: DistributedOptions): Promise<DistributedProcess> {
  const { config, closer } = options;
  const { roles } = config.process;
  const parts = await openParts(options);
  const { metrics } = parts;
  const dependencies: Dependency[] = [
    { name: 'kafka', ok: () => parts.eventLog.ping() },
    { name: 'redis', ok: () => parts.redis.ping() },
    { name: 'cassandra', ok: () => parts.cassandra.ping() },
    { name: 'postgres', ok: () => parts.directory.ping() },
  ];
  const { blobs } = parts;
  if (blobs !== undefined) dependencies.push({ name: 's3', ok: () => blobs.prepare().then(() => true), optional: true });
  if (roles.includes('pipeline') || roles.includes('temporal-worker')) {
    const isWorking = await startBehindTheLog(options, parts);
    if (isWorking !== undefined) dependencies.push({ name: 'temporal', ok: isWorking, optional: true });
  }
  const gateway = roles.includes('gateway') && blobs !== undefined ? await startOwnGateway(options, parts, blobs) : undefined;
  let accepting = true;
  const admin = { ...options, metrics, adapters: parts.shared, epoch: messagesEpoch, operatorToken: config.network.operatorToken };
  const adminPort = await startAdmin({ ...admin, accepting: () => accepting }, dependencies);
  const leave = async () => {
    accepting = false;
    if (config.gateway.drainMs === 0) return;
    await parts.clock.sleep(balancerNoticesMs);
    await gateway?.drain();
  };
  // Added last, so it comes first.
  closer.add('sessions', leave, config.gateway.drainMs + balancerNoticesMs + drainGraceMs);
  return { roles, publicPort: gateway?.port, adminPort };
}

type Parts = Awaited<ReturnType<typeof openParts>>;

/** What every role needs. */
async function openParts(options: DistributedOptions) {
  const { config, logger, closer, waiting } = options;
  const secret = clusterSecret(config);
  const clock = createSystemClock();
  const metrics = createMetricsRegistry();
  const address = {
    address: requiredSetting(config.temporal.address, 'HELIOGRAPH_TEMPORAL_ADDRESS'),
    namespace: config.temporal.namespace,
    taskQueue: config.temporal.taskQueue,
  };
  const postgres = sharedPostgres(config);
  // Of those who sign URLs or delete what they lead to.
  const usesBlobs = config.process.roles.some((role) => role === 'gateway' || role === 'temporal-worker');
  const [eventLog, cassandra, redis, directory, blobs] = await allOrThrow([
    openKafka({ ...options, clock }, messagesEpoch),
    openCassandra({ ...options, clock }),
    openRedis({ ...options, clock }),
    openDirectory({ ...postgres, waiting, logger, closer }),
    usesBlobs ? openS3({ ...options, clock }) : Promise.resolve(undefined),
  ]);
  const temporalConnection = openTemporalConnection(address);
  closer.add('temporal connection', () => temporalConnection.close());
  const rosters = createRosterCache(directory.conversations, redis.announcements, rosterCache);
  closer.add('roster cache', () => {
    rosters.close();
  });
  const tokenKeys = tokenKeysOf(deriveKey(secret, 'tokens'));
  const privateKey = config.push.vapidPrivateKey?.reveal();
  const push = openPush({ config, privateKey, eventLog, clock, logger, metrics, closer });
  const shared: Omit<Adapters, 'link'> = {
    ...{ clock, eventLog, rosters, ...cassandra, ...redis, ...directory, ...push },
    ...{ work: createTemporalDurableWork(temporalConnection), workflowViews: createTemporalWorkflowViews(temporalConnection) },
  };
  return {
    ...{ clock, metrics, address, eventLog, cassandra, redis, directory, blobs, shared },
    drain: createDrains({ eventLog, drainPause: redis.drainPause, clock, logger, metrics }),
    link: { secret: deriveKey(secret, 'link').toString('base64url'), addresses: redis.addresses, clock, events: createLinkEvents(logger, metrics) },
    tickets: createTickets(deriveKey(secret, 'tickets')),
    tokens: createTokens({ keys: tokenKeys, clock, lifetimeMs: config.gateway.tokenLifetimeMs }),
    statements: createStatements(tokenKeys),
  };
}

/** Pipeline and Temporal worker, which reach gateways over links. Answers whether the worker, if there is one, works. */
async function startBehindTheLog({ config, logger, closer }: DistributedOptions, parts: Parts): Promise<(() => boolean) | undefined> {
  const { roles } = config.process;
  const { clock, metrics, address, drain, blobs } = parts;
  const link = new LinkClient(parts.link);
  link.start();
  closer.add('links to gateways', () => link.close());
  const adapters: Adapters = { ...parts.shared, link };
  if (roles.includes('pipeline')) await startPipeline({ config, adapters, epoch: messagesEpoch, logger, metrics, closer });
  if (!roles.includes('temporal-worker') || blobs === undefined) return undefined;
  // The Temporal SDK for workers is large: only processes that are one load it.
  const { startTemporalWorker } = await import('../temporal-worker.js');
  const activities = createActivities({ adapters, drain: { ...adapters, ...drain }, blobs, logger, metrics });
  const worker = startTemporalWorker({ ...address, activities, slots: workerSlots, buildId: config.temporal.buildId, clock, logger });
  closer.add('temporal worker', () => worker.close());
  return () => worker.isRunning();
}

function startOwnGateway({ config, logger, closer }: DistributedOptions, parts: Parts, blobs: BlobStore): Promise<StartedGateway> {
  const { metrics, tokens, statements, tickets } = parts;
  // What a gateway drains by itself are its own sessions.
  const own = createInProcessGatewayLink();
  const adapters: Adapters = { ...parts.shared, link: own.link };
  return startGateway({
    ...{ config, adapters, blobs, tokens, statements, tickets, logger, metrics, closer },
    drain: { ...adapters, ...parts.drain },
    epoch: messagesEpoch,
    attach: async (endpoint) => {
      own.attach(endpoint);
      closer.add('own link', () => {
        own.detach(endpoint.gatewayId);
      });
      await startLinkServer({ ...parts.link, config, closer }, endpoint);
    },
  });
}

function clusterSecret({ process }: Config): string {
  const secret = requiredSetting(process.clusterSecret, 'HELIOGRAPH_CLUSTER_SECRET').reveal();
  if (secret.length >= shortestSecret) return secret;
  throw new StartError(`HELIOGRAPH_CLUSTER_SECRET has ${secret.length} characters`, `give it at least ${shortestSecret}, the same for all processes`);
}
