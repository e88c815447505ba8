import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { Registry } from 'prom-client';

import type { InboxDrainDependencies } from '../../activities/drain-device.js';
import { createHistoryPassed } from '../../activities/history-passed.js';
import { createInboxDrainActivities } from '../../activities/inbox-drain.js';
import { StoreGate } from '../../activities/store-gate.js';
import { LocalDrains } from '../../activities/local-drains.js';
import { createLmdbEventLog } from '../../adapters/lmdb/lmdb-event-log.js';
import { createMemoryDrainPause } from '../../adapters/memory/drain-pause.js';
import { readsAtOnce } from '../../app/profiles/sizes.js';
import { createLmdbHistory } from '../../adapters/lmdb/lmdb-history.js';
import { createLmdbInbox } from '../../adapters/lmdb/lmdb-inbox.js';
import { LmdbStore } from '../../adapters/lmdb/lmdb-store.js';
import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { createTemporalDurableWork } from '../../adapters/temporal/durable-work.js';
import { openTemporalConnection } from '../../adapters/temporal/temporal-connection.js';
import { startTemporalWorker } from '../../app/temporal-worker.js';
import { deviceSearchKey } from '../../core/search-key.js';
import { positionOf } from '../../core/position.js';
import { WaveScheduler } from '../../gateway/drain/wave-scheduler.js';
import { ReceiptWriter } from '../../gateway/receipt-writer.js';
import type { SessionSocket } from '../../gateway/websocket/session-context.js';
import { SessionHost } from '../../gateway/websocket/session-host.js';
import { messageId, type DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../../protocol/server-frames.js';
import { createStoreGateEvents } from '../../telemetry/store-gate-events.js';
import { createDrainEvents } from '../../telemetry/drain-events.js';
import { createGatewayEvents } from '../../telemetry/gateway-events.js';
import { newDevice } from '../support/drain-fixtures.js';
import { conversationNumber } from '../support/drain-stage.js';
import { eventually } from '../support/eventually.js';
import { idleActivities } from '../support/idle-activities.js';
import { quietRuntime, startDevServer, workflowBundle } from '../support/temporal.js';
import { drainTaskQueue } from '../support/drain-task-queue.js';

const clock = createSystemClock();
const logger = pino({ level: 'silent' });
const sender = newDevice();
const dayMs = 24 * 3_600_000;
/** Of the file, and of the test under way. */
const fileClosers: (() => unknown)[] = [];
const closers: (() => unknown)[] = [];

let env: TestWorkflowEnvironment;
let stores: Awaited<ReturnType<typeof openStores>>;

beforeAll(async () => {
  env = await startDevServer();
  fileClosers.push(() => env.teardown());
  stores = await openStores();
}, 120_000);
afterEach(() => closeAll(closers));
afterAll(() => closeAll(fileClosers));

async function closeAll(opened: (() => unknown)[]): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

async function openStores() {
  const directory = await mkdtemp(join(tmpdir(), 'heliograph-drain-'));
  const store = new LmdbStore({ directory, commitDelayMs: 0 });
  const eventLog = await createLmdbEventLog(
    { directory: join(directory, 'write-ahead'), records: store, offsets: store },
    {
      partitions: 2,
      maxAgeMs: { messages: dayMs, receipts: dayMs, push: dayMs },
      maxBytesPerPartition: 1e9,
      maxWaitingBytes: 1e8,
      clock,
      onUnreadDeleted: () => undefined,
    },
  );
  fileClosers.push(async () => {
    await eventLog.close();
    await store.close();
    await rm(directory, { recursive: true });
  });
  const inbox = createLmdbInbox(store, { maxAgeMs: 30 * dayMs });
  const history = createLmdbHistory(store, { clock, maxAgeMs: 365 * dayMs, indexMaxAgeMs: 30 * dayMs });
  return { inbox, history, eventLog };
}

/** Real sessions of one gateway whose waves go to this Temporal. */
function startGateway(gatewayId: string, temporalAddress: string) {
  const registry = new Registry();
  const stop = new AbortController();
  const links = createInProcessGatewayLink();
  const dependencies: InboxDrainDependencies = {
    ...stores,
    stores: new StoreGate({ pause: createMemoryDrainPause(clock), clock, events: createStoreGateEvents(logger, registry) }, readsAtOnce),
    quarantine: stores.inbox.quarantine,
    historyPassed: createHistoryPassed(stores.eventLog, 'history-writer'),
    link: links.link,
    clock,
    events: createDrainEvents(logger, registry),
  };
  const connection = openTemporalConnection({ address: temporalAddress, namespace: 'default', taskQueue: drainTaskQueue });
  const localDrains = new LocalDrains({ ...dependencies, gatewayId, maxConcurrentDevices: 64 });
  const events = createGatewayEvents(logger, registry);
  const host = new SessionHost({
    gatewayId,
    registry: createMemorySessionRegistry(clock),
    inbox: stores.inbox,
    clock,
    receipts: new ReceiptWriter({ eventLog: stores.eventLog, clock, maxWaiting: 10_000, signal: stop.signal }),
    waves: new WaveScheduler({ gatewayId, work: createTemporalDurableWork(connection), clock, events, signal: stop.signal }),
    drainLocally: (device, token) => {
      localDrains.drain(device, token);
    },
    wakeUps: { ask: () => undefined },
    deviceMoved: () => undefined,
    ...{ came: () => undefined, left: () => undefined },
    events,
    limits: {
      windowItems: 64,
      windowBytes: 262_144,
      ackTimeoutMs: 5_000,
      drainSilenceMs: 15_000,
      drainSilenceWhenAwayMs: 1_000,
      maxBufferedBytes: 1_048_576,
    },
  });
  links.attach(host);
  host.start();
  const activities = createInboxDrainActivities({ ...dependencies, maxConcurrentDevices: 64 });
  closers.push(async () => {
    links.detach(gatewayId);
    await host.stop('goingAway');
    stop.abort();
    await localDrains.close();
    await connection.close();
  });
  return { host, activities, registry };
}

interface Client {
  readonly device: DeviceAddress;
  readonly items: DeliverItem[];
  readonly frames: ServerFrame[];
}

/** A device that says hello and acks what it gets. */
function connect(host: SessionHost, device: DeviceAddress): Client {
  const client: Client = { device, items: [], frames: [] };
  const socket: SessionSocket = {
    send: (frame) => {
      client.frames.push(frame);
      if (frame.type !== 'deliver') return;
      client.items.push(...frame.items);
      setImmediate(() => session?.ack(frame.seq));
    },
    bufferedBytes: () => 0,
    close: () => undefined,
  };
  const session = host.open({ device, connection: 1, socket, waited: false, awayTooLong: Promise.resolve(false) }, () => ({
    type: 'inbox.empty',
    drained: 0,
  }));
  return client;
}

/** Messages that came while the device was away. */
async function queue(device: DeviceAddress, count: number): Promise<number[]> {
  const rows = Array.from({ length: count }, (_, index) => ({
    conversationId: conversationNumber(1 + (index % 3)),
    position: positionOf(1, index),
    messageId: messageId.parse(randomUUID()),
    kind: 'message' as const,
    sender,
    acceptedAtMs: Date.now(),
  }));
  await stores.history.append(
    rows.map((row) => ({ ...row, digest: new Uint8Array(32), body: Buffer.from(`text ${row.position}`) })),
    [],
  );
  await stores.inbox.put(
    rows.map((row) => ({ device, row: { ...row, queuedAtMs: Date.now(), envelope: { type: 1, content: Buffer.from('key') } } })),
  );
  return rows.map(({ position }) => position);
}

const isDrained = ({ frames }: Client, count: number) => frames.some((frame) => frame.type === 'inbox.empty' && frame.drained === count);

async function metric(registry: Registry, name: string): Promise<number> {
  const found = await registry.getSingleMetric(name)?.get();
  return found?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
}

describe('devices that come back', () => {
  test('get what waited for them through a wave that the operator finds in Temporal', async () => {
    const { host, activities } = startGateway('gateway-1', env.address);
    startWorker(activities);
    const device = newDevice();
    const positions = await queue(device, 300);
    const client = connect(host, device);
    await eventually(() => {
      expect(isDrained(client, 300)).toBe(true);
    });
    for (const conversation of [1, 2, 3]) {
      const inConversation = client.items.filter(({ conversationId }) => conversationId === conversationNumber(conversation));
      expect(inConversation.map(({ position }) => position)).toEqual(positions.filter((_, index) => index % 3 === conversation - 1));
    }
    expect(client.items.every(({ body, position }) => Buffer.from(body ?? []).toString() === `text ${position}`)).toBe(true);
    expect((await stores.inbox.read(device, { maxRows: 1, maxBytes: 1 })).rows).toEqual([]);
    await eventually(async () => {
      const query = `HeliographDevices = "${deviceSearchKey(device)}" AND HeliographGateway = "gateway-1" AND ExecutionStatus = "Completed"`;
      const waves: string[] = [];
      for await (const { workflowId } of env.client.workflow.list({ query })) waves.push(workflowId);
      expect(waves).toEqual([expect.stringMatching(/^drain\/gateway-1\/\d+\/1$/)]);
    });
  });

  test('come in a herd and are drained in few waves', async () => {
    const { host, activities, registry } = startGateway('gateway-2', env.address);
    startWorker(activities);
    const devices = Array.from({ length: 500 }, newDevice);
    for (const device of devices) await queue(device, 3);
    const clients = devices.map((device) => connect(host, device));
    await eventually(() => {
      expect(clients.filter((client) => isDrained(client, 3))).toHaveLength(500);
    }, 20_000);
    expect(await metric(registry, 'heliograph_gateway_drain_waves_started_total')).toBeLessThan(60);
    expect(await metric(registry, 'heliograph_gateway_local_drains_total')).toBe(0);
  });

  test('are drained by the gateway itself while Temporal is away', async () => {
    const { host, registry } = startGateway('gateway-3', '127.0.0.1:1');
    const device = newDevice();
    await queue(device, 200);
    const client = connect(host, device);
    await eventually(() => {
      expect(isDrained(client, 200)).toBe(true);
    });
    expect(await metric(registry, 'heliograph_gateway_local_drains_total')).toBe(1);
  });
});

function startWorker(activities: ReturnType<typeof createInboxDrainActivities>): void {
  quietRuntime();
  const worker = startTemporalWorker({
    address: env.address,
    namespace: 'default',
    taskQueue: drainTaskQueue,
    activities: { ...activities, ...idleActivities },
    slots: { workflowTasks: 20, activities: 20, cachedWorkflows: 50 },
    clock,
    logger,
    bundlePath: workflowBundle(),
  });
  closers.push(() => worker.close());
}
