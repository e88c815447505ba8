/* eslint-disable max-lines -- one world: whatever fails in it acts on all of it */
import { Registry } from 'prom-client';
import { pino } from 'pino';

import { drainDevice, type DrainTarget, type InboxDrainDependencies } from '../../../activities/drain-device.js';
import { giveUpDrain } from '../../../activities/give-up-drain.js';
import { LocalDrains } from '../../../activities/local-drains.js';
import { StoreGate } from '../../../activities/store-gate.js';
import { createMemoryDrainPause } from '../../../adapters/memory/drain-pause.js';
import { readsAtOnce } from '../../../app/profiles/sizes.js';
import { createMemoryHeads } from '../../../adapters/memory/heads.js';
import { createMemorySessionRegistry } from '../../../adapters/memory/session-registry.js';
import { firstDrainRound, planAfterDrainRound, type DrainRound } from '../../../core/drain-plan.js';
import { offsetOf } from '../../../core/position.js';
import { WaveScheduler } from '../../../gateway/drain/wave-scheduler.js';
import { ReceiptWriter } from '../../../gateway/receipt-writer.js';
import { SessionHost } from '../../../gateway/websocket/session-host.js';
import { startDeliveryRouter } from '../../../pipeline/delivery-router/delivery-router.js';
import { startHistoryWriter } from '../../../pipeline/history-writer/history-writer.js';
import type { Consumer, ConsumeOptions, EventLog } from '../../../ports/event-log.js';
import type { DurableWork } from '../../../ports/durable-work.js';
import type { GatewayLink } from '../../../ports/gateway-link.js';
import type { SessionRegistry } from '../../../ports/session-registry.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId, MessageId } from '../../../protocol/ids.js';
import { encodeMessageRecord } from '../../../protocol/log-records.js';
import { createStoreGateEvents } from '../../../telemetry/store-gate-events.js';
import { createDrainEvents } from '../../../telemetry/drain-events.js';
import { createGatewayEvents } from '../../../telemetry/gateway-events.js';
import { createPipelineEvents } from '../../../telemetry/pipeline-events.js';
import { Environment, type Owner, type Service } from './environment.js';
import { SimulatedDevice, type ReachedGateway } from './simulated-device.js';
import { SimulatedLink, type LinkedGateway } from './simulated-link.js';
import { SimulatedLog } from './simulated-log.js';
import { SimulatedHistory, SimulatedInbox, unreliableRegistry } from './stores.js';
import { VirtualClock } from './virtual-clock.js';

/** Faults and traffic end here (virtual ms); afterwards the system has `settleMs` to bring everything home. */
export const trafficMs = 40_000;
const settleMs = 160_000;
const partitions = 2;
const gatewayIds = ['gateway-0', 'gateway-1'] as const;

export interface Send {
  readonly atMs: number;
  readonly conversation: number;
  /** Appended a second time so much later, as a retry whose first attempt was accepted. */
  readonly againAfterMs?: number | undefined;
}

export type FaultKind =
  | 'registry-down'
  | 'registry-emptied'
  | 'registry-frozen'
  | 'gateway-cut-from-registry'
  | 'router-cut-from-registry'
  | 'inbox-down'
  | 'inbox-frozen'
  | 'history-down'
  | 'workflows-down'
  | 'worker-crash'
  | 'router-crash'
  | 'rebalance'
  | 'gateway-crash'
  | 'link-break'
  | 'device-vanishes'
  | 'device-closes'
  | 'device-connects-twice'
  | 'device-black-hole';

export interface Fault {
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly forMs: number;
  /** Which device, gateway, router or partition. */
  readonly which: number;
}

export interface Scenario {
  readonly seed: number;
  readonly sends: readonly Send[];
  readonly faults: readonly Fault[];
  readonly acksLate: boolean;
}

interface GatewayProcess extends LinkedGateway, ReachedGateway {}
interface RouterProcess {
  readonly owner: Owner;
  readonly link: SimulatedLink;
  readonly options: ConsumeOptions;
}

/**
 * The real sessions, routers, history-writer and drains, in a simulated environment: two gateways, two routers, two devices, stores and links that fail,
 * processes that die or become zombies. The safety-net sweep is off.
 */
export class DeliveryWorld {
  readonly violations: string[] = [];
  readonly #clock = new VirtualClock();
  readonly #environment: Environment;
  readonly #log: SimulatedLog;
  readonly #inbox = new SimulatedInbox();
  readonly #history = new SimulatedHistory();
  readonly #registryService: Service = { down: false };
  readonly #workflows: Service = { down: false };
  #registry: SessionRegistry;
  readonly #gateways = new Map<string, GatewayProcess>();
  readonly #routers: RouterProcess[] = [];
  readonly #ownerOfPartition: number[] = [];
  #worker: Owner = newOwner();
  readonly #devices: SimulatedDevice[];
  readonly #conversations = [conversation(0), conversation(1)];
  readonly #messages: { readonly messageId: MessageId; readonly partition: number; readonly offset: number }[] = [];
  readonly #logger = pino({ level: 'silent' });
  readonly #scenario: Scenario;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#environment = new Environment(this.#clock, scenario.seed, trafficMs);
    this.#log = new SimulatedLog(this.#environment, partitions);
    this.#registry = createMemorySessionRegistry(this.#clock);
    this.#devices = [0, 1].map((index) => new SimulatedDevice(address(index), this.#environment, () => this.#anyGateway()));
  }

  async run(): Promise<void> {
    await this.#start();
    for (const send of this.#scenario.sends) this.#schedule(send);
    for (const fault of this.#scenario.faults) this.#clock.after(fault.atMs, () => void this.#inflict(fault));
    for (const device of this.#devices) {
      device.acksLate = this.#scenario.acksLate;
      void device.live();
    }
    let nextLookMs = trafficMs + 3_000;
    while (await this.#clock.step(trafficMs + settleMs)) {
      if (this.#clock.nowMs() < nextLookMs) continue;
      if (this.#unsettled().length === 0) break;
      nextLookMs = this.#clock.nowMs() + 3_000;
    }
    this.violations.push(...this.#unsettled(), ...this.#devices.flatMap((device) => device.violations));
  }

  async #start(): Promise<void> {
    this.#log.onCommit = (partition, nextOffset) => this.#checkCommit(partition, nextOffset);
    this.#inbox.onRemoved = (device, { messageId, position }) => {
      if (this.#deviceOf(device)?.stored.has(messageId) !== true)
        this.violations.push(`${messageId} at ${position} deleted from the inbox of ${device} unseen`);
    };
    for (const gatewayId of gatewayIds) this.#gateways.set(gatewayId, this.#newGateway(gatewayId));
    await this.#consume(newOwner(), (eventLog, owner) =>
      startHistoryWriter({
        ...{ eventLog, history: this.#history.of(this.#environment, owner), events: this.#pipelineEvents(), epoch: 1 },
        heads: createMemoryHeads(),
      }),
    );
    for (let index = 0; index < 2; index += 1) this.#routers.push(await this.#newRouter());
    for (let partition = 0; partition < partitions; partition += 1) this.#assign(partition, partition, 0);
  }

  /** Consumers that never move: one process works every partition. */
  async #consume(owner: Owner, start: (eventLog: EventLog, owner: Owner) => Promise<Consumer>): Promise<void> {
    const options: ConsumeOptions[] = [];
    await start(
      this.#log.of(owner, (given) => options.push(given)),
      owner,
    );
    for (const given of options) for (let partition = 0; partition < partitions; partition += 1) this.#log.assign(partition, owner, given, 0);
  }

  #newGateway(gatewayId: string): GatewayProcess {
    const owner = newOwner();
    const { signal } = new AbortController();
    const events = createGatewayEvents(this.#logger, new Registry());
    const eventLog = this.#log.of(owner, () => undefined);
    const registry = unreliableRegistry(this.#environment, owner, this.#registryService, () => this.#registry);
    const inbox = this.#inbox.of(this.#environment, owner);
    let drains: LocalDrains | undefined;
    const host = new SessionHost({
      gatewayId,
      registry,
      inbox,
      clock: this.#clock,
      receipts: new ReceiptWriter({ eventLog, clock: this.#clock, maxWaiting: 10_000, signal }),
      waves: new WaveScheduler({ gatewayId, work: this.#durableWork(owner), clock: this.#clock, events, signal }),
      drainLocally: (device, token) => {
        drains ??= new LocalDrains({
          ...this.#drainDependencies(owner, new SimulatedLink(this.#environment, owner, this.#gateways)),
          gatewayId,
          maxConcurrentDevices: 32,
        });
        drains.drain(device, token);
      },
      wakeUps: { ask: () => undefined },
      // Nothing may depend on an announcement.
      deviceMoved: () => undefined,
      ...{ came: () => undefined, left: () => undefined },
      events,
      limits: {
        windowItems: 4,
        windowBytes: 256 * 1024,
        ackTimeoutMs: 5_000,
        drainSilenceMs: 15_000,
        drainSilenceWhenAwayMs: 5_000,
        maxBufferedBytes: 1024 * 1024,
      },
    });
    host.start();
    return {
      owner,
      endpoint: host,
      open: (device, connection, socket, welcome) =>
        host.open({ device, connection, socket, waited: false, awayTooLong: Promise.resolve(false) }, welcome),
    };
  }

  #durableWork(owner: Owner): Pick<DurableWork, 'startDrainWave'> {
    return {
      startDrainWave: ({ gatewayId, requests }) =>
        this.#environment.call(owner, this.#workflows, () => {
          for (const request of requests) void this.#wave(gatewayId, request.device, request.token);
        }),
    };
  }

  /** As the workflow: a worker that dies is noticed after the heartbeat time-out, and the drain is attempted again under the same token. */
  async #wave(gatewayId: string, device: DeviceAddress, token: number): Promise<void> {
    await this.#clock.sleep(this.#environment.latency(30, 60));
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const worker = this.#worker;
      let done = false;
      void this.#rounds(worker, { gatewayId, request: { device, token } }).then(() => (done = true));
      while (!done && !worker.dead) await this.#clock.sleep(1_000);
      if (done) return;
      await this.#clock.sleep(10_000);
    }
  }

  async #rounds(worker: Owner, target: DrainTarget): Promise<void> {
    const dependencies = this.#drainDependencies(worker, this.#linkOfWorker(worker));
    let round: DrainRound | undefined = firstDrainRound([target.request]);
    while (round !== undefined) {
      if (round.waitMs > 0) await this.#clock.sleep(round.waitMs);
      const plan = planAfterDrainRound(round, [await drainDevice(dependencies, target, new AbortController().signal, () => undefined)]);
      if (plan.giveUp.length > 0) await giveUpDrain(dependencies, target);
      round = plan.next[0];
    }
  }

  #workerLink: { readonly owner: Owner; readonly link: SimulatedLink } | undefined;
  #linkOfWorker(owner: Owner): SimulatedLink {
    if (this.#workerLink?.owner !== owner) this.#workerLink = { owner, link: new SimulatedLink(this.#environment, owner, this.#gateways) };
    return this.#workerLink.link;
  }

  #drainDependencies(owner: Owner, link: GatewayLink): InboxDrainDependencies {
    return {
      stores: new StoreGate(
        { pause: createMemoryDrainPause(this.#clock), clock: this.#clock, events: createStoreGateEvents(this.#logger, new Registry()) },
        readsAtOnce,
      ),
      inbox: this.#inbox.of(this.#environment, owner),
      quarantine: {
        suspect: async (...given) => {
          const quarantined = await this.#inbox.suspicions.suspect(...given);
          if (quarantined) this.violations.push('something went to quarantine, of a device that acks everything');
          return quarantined;
        },
        forget: (...given) => this.#inbox.suspicions.forget(...given),
      },
      eventLog: this.#log.of(owner, () => undefined),
      history: this.#history.of(this.#environment, owner),
      historyPassed: async (conversationId, position) => {
        const eventLog = this.#log.of(owner, () => undefined);
        const progress = await eventLog.progress('messages', 'history-writer');
        return (progress[eventLog.partitionOf('messages', conversationId)]?.committed ?? 0) > offsetOf(position);
      },
      link,
      clock: this.#clock,
      events: createDrainEvents(this.#logger, new Registry()),
    };
  }

  async #newRouter(): Promise<RouterProcess> {
    const owner = newOwner();
    const link = new SimulatedLink(this.#environment, owner, this.#gateways);
    const options: ConsumeOptions[] = [];
    await startDeliveryRouter({
      eventLog: this.#log.of(owner, (given) => options.push(given)),
      registry: unreliableRegistry(this.#environment, owner, this.#registryService, () => this.#registry),
      inbox: this.#inbox.of(this.#environment, owner),
      link,
      wakeUps: { ask: () => undefined },
      clock: this.#clock,
      events: this.#pipelineEvents(),
      epoch: 1,
    });
    const [given] = options;
    if (given === undefined) throw new Error('the delivery router did not consume');
    return { owner, link, options: given };
  }

  #pipelineEvents() {
    return createPipelineEvents(this.#logger, new Registry());
  }

  #assign(partition: number, routerIndex: number, zombieMs: number): void {
    const router = this.#routers[routerIndex];
    if (router === undefined || router.owner.dead) return;
    this.#ownerOfPartition[partition] = routerIndex;
    this.#log.assign(partition, router.owner, router.options, zombieMs);
  }

  #schedule({ atMs, conversation: which, againAfterMs }: Send): void {
    const conversationId = this.#conversations[which % this.#conversations.length] as ConversationId;
    const messageId = `message-${this.#messages.length}-${atMs}` as MessageId;
    const append = (attempt: number) => {
      const envelopes = this.#devices.map((device) => ({ to: { ...device.address, registrationId: 1 }, type: 1, content: new Uint8Array(8) }));
      const value = encodeMessageRecord({ messageId, conversationId, kind: 'message', sender, attempt, envelopes, body: new Uint8Array(16) });
      const { partition, offset } = this.#log.appendNow('messages', { key: conversationId, value });
      this.#messages.push({ messageId, partition, offset });
    };
    this.#clock.after(atMs, () => append(1));
    if (againAfterMs !== undefined) this.#clock.after(atMs + againAfterMs, () => append(2));
  }

  readonly #faults: Record<Fault['kind'], (fault: Fault) => Promise<void> | void> = {
    'registry-down': ({ forMs }) => this.#outage(this.#registryService, forMs),
    'registry-emptied': async ({ forMs }) => {
      await this.#outage(this.#registryService, forMs);
      this.#registry = createMemorySessionRegistry(this.#clock);
    },
    'registry-frozen': ({ forMs }) => {
      this.#freeze(this.#registryService, forMs * 2);
    },
    'gateway-cut-from-registry': ({ forMs, which }) => {
      const gateway = this.#gateways.get(gatewayOf(which));
      return gateway && this.#cut(gateway.owner, forMs * 2);
    },
    'router-cut-from-registry': ({ forMs, which }) => {
      const router = this.#routerOf(which);
      return router && this.#cut(router.owner, forMs / 3);
    },
    'inbox-frozen': ({ forMs }) => {
      this.#freeze(this.#inbox, forMs);
    },
    'inbox-down': ({ forMs }) => this.#outage(this.#inbox, forMs / 3),
    'history-down': ({ forMs }) => this.#outage(this.#history, forMs / 3),
    'workflows-down': ({ forMs }) => this.#outage(this.#workflows, forMs),
    'worker-crash': () => {
      this.#worker.dead = true;
      this.#worker = newOwner();
    },
    'router-crash': ({ which }) => this.#crashRouter(which % this.#routers.length),
    rebalance: ({ forMs, which }) => {
      this.#assign(which % partitions, 1 - (this.#ownerOfPartition[which % partitions] ?? 0), forMs);
    },
    'gateway-crash': ({ which }) => this.#crashGateway(gatewayOf(which)),
    'link-break': ({ which }) => this.#routerOf(which)?.link.break(gatewayOf(which)),
    'device-vanishes': ({ which }) => this.#anyDevice(which)?.vanish(),
    'device-closes': ({ which }) => this.#anyDevice(which)?.close(),
    'device-connects-twice': ({ which }) => this.#anyDevice(which)?.connect(),
    'device-black-hole': ({ which }) => this.#anyDevice(which)?.blackHole(),
  };

  #routerOf(which: number) {
    return this.#routers[which % this.#routers.length];
  }

  #anyDevice(which: number) {
    return this.#devices[which % this.#devices.length];
  }

  async #inflict(fault: Fault): Promise<void> {
    await this.#faults[fault.kind](fault);
  }

  async #outage(service: Service, forMs: number): Promise<void> {
    service.down = true;
    await this.#clock.sleep(forMs);
    service.down = false;
  }

  #freeze(service: Service, forMs: number): void {
    service.frozen ??= this.#clock.sleep(forMs).then(() => {
      service.frozen = undefined;
    });
  }

  async #cut(owner: Owner, forMs: number): Promise<void> {
    owner.cutFromRegistry = true;
    await this.#clock.sleep(forMs);
    owner.cutFromRegistry = false;
  }

  async #crashRouter(index: number): Promise<void> {
    const router = this.#routers[index];
    if (router === undefined || router.owner.dead) return;
    router.owner.dead = true;
    router.link.breakAll();
    await this.#clock.sleep(this.#environment.between(500, 3_000));
    for (let partition = 0; partition < partitions; partition += 1)
      if (this.#ownerOfPartition[partition] === index) this.#assign(partition, 1 - index, 0);
    await this.#clock.sleep(this.#environment.between(2_700, 5_000));
    this.#routers[index] = await this.#newRouter();
    for (let partition = 0; partition < partitions; partition += 1)
      if (this.#ownerOfPartition[partition] === index) this.#assign(partition, index, 0);
  }

  async #crashGateway(gatewayId: string): Promise<void> {
    const gateway = this.#gateways.get(gatewayId);
    if (gateway === undefined || gateway.owner.dead) return;
    gateway.owner.dead = true;
    for (const router of this.#routers) router.link.break(gatewayId);
    for (const device of this.#devices) device.gatewayDied(gateway);
    await this.#clock.sleep(this.#environment.between(1_000, 8_000));
    this.#gateways.set(gatewayId, this.#newGateway(gatewayId));
  }

  #anyGateway(): ReachedGateway | undefined {
    const gatewayId = this.#environment.chance(0.5) ? gatewayIds[0] : gatewayIds[1];
    return this.#gateways.get(gatewayId);
  }

  #deviceOf(key: string): SimulatedDevice | undefined {
    return this.#devices.find((device) => `${device.address.accountId}.${device.address.deviceId}` === key);
  }

  #inInbox(device: SimulatedDevice, messageId: MessageId): boolean {
    return (this.#inbox.rows.get(`${device.address.accountId}.${device.address.deviceId}`) ?? []).some((row) => row.messageId === messageId);
  }

  /** A committed message is on every device or in its inbox. */
  #checkCommit(partition: number, nextOffset: number): void {
    for (const message of this.#messages) {
      if (message.partition !== partition || message.offset >= nextOffset) continue;
      for (const device of this.#devices) {
        if (device.stored.has(message.messageId) || this.#inInbox(device, message.messageId)) continue;
        this.violations.push(`${message.messageId} was committed and is neither on ${device.address.accountId} nor in its inbox`);
      }
    }
  }

  /** What is still missing for everything to be home: delivered, inboxes empty, sessions live, the log committed to its end. */
  #unsettled(): string[] {
    const open: string[] = [];
    for (const device of this.#devices) {
      const key = `${device.address.accountId}.${device.address.deviceId}`;
      if (device.session?.state !== 'live') open.push(`${key} is ${device.session?.state ?? 'away'}`);
      const rows = this.#inbox.rows.get(key)?.length ?? 0;
      if (rows > 0) open.push(`${rows} rows are stranded in the inbox of ${key}`);
      for (const { messageId } of this.#messages) if (!device.stored.has(messageId)) open.push(`${messageId} never reached ${key}`);
    }
    this.#log.partitions.messages.forEach(({ records, groups }, partition) => {
      const committed = groups.get('delivery-router')?.committed ?? 0;
      if (committed < records.length) open.push(`partition ${partition} is committed to ${committed} of ${records.length}`);
    });
    return open;
  }
}

const sender: DeviceAddress = { accountId: '00000000-0000-7000-8000-00000000ffff' as AccountId, deviceId: 1 as DeviceId };

function address(index: number): DeviceAddress {
  return { accountId: `00000000-0000-7000-8000-00000000000${index}` as AccountId, deviceId: 1 as DeviceId };
}

function conversation(index: number): ConversationId {
  return `00000000-0000-5000-8000-00000000000${index}` as ConversationId;
}

function newOwner(): Owner {
  return { dead: false, cutFromRegistry: false };
}

function gatewayOf(which: number): (typeof gatewayIds)[number] {
  return gatewayIds[which % gatewayIds.length] ?? gatewayIds[0];
}
