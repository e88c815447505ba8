import type { Server } from 'node:http';

import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Announcement, Announcements } from '../../ports/announcements.js';
import type { Channels } from '../../ports/channels.js';
import type { Clock } from '../../ports/clock.js';
import type { Conversations } from '../../ports/conversations.js';
import type { DurableWork } from '../../ports/durable-work.js';
import type { AppendRecord, Appended, EventLog } from '../../ports/event-log.js';
import type { GatewayEndpoint } from '../../ports/gateway-link.js';
import type { Heads } from '../../ports/heads.js';
import type { History } from '../../ports/history.js';
import type { Inbox } from '../../ports/inbox.js';
import type { Presence } from '../../ports/presence.js';
import type { Privacy } from '../../ports/privacy.js';
import type { Rosters } from '../../ports/rosters.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import type { Signals } from '../../ports/signals.js';
import type { WaitingLine } from '../../ports/waiting-line.js';
import type { WakeUps } from '../../ports/wake-ups.js';
import type { Watermarks } from '../../ports/watermarks.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import type { RateLimit } from '../../protocol/limits.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import { Doorkeeper } from '../admission/doorkeeper.js';
import type { Tickets } from '../admission/tickets.js';
import { ChannelHub } from '../channels/channel-hub.js';
import { WaveScheduler } from '../drain/wave-scheduler.js';
import type { MediaKeeper } from '../media/media-keeper.js';
import { PresenceHub } from '../presence/presence-hub.js';
import { ReceiptWriter } from '../receipt-writer.js';
import { createAcceptor, type AcceptorOptions } from './acceptor.js';
import { admit, renew, type AdmissionDependencies } from './admission.js';
import type { ConnectionContext } from './connection.js';
import { LogCatchUp } from '../log-catch-up.js';
import { RosterAudit } from './roster-audit.js';
import { createRequestHandler } from './requests.js';
import type { SessionLimits } from './session-context.js';
import { SessionHost, type SessionHostDependencies } from './session-host.js';
import { Sockets } from './sockets.js';
import { tellTyping } from './typing.js';

/** Longest wait for clients to answer a close before their sockets are cut. */
const closeGraceMs = 2_000;

export interface WebSocketGatewayDependencies extends Omit<AdmissionDependencies, 'sessions' | 'doorkeeper'> {
  readonly line: WaitingLine;
  readonly tickets: Tickets;
  readonly registry: SessionRegistry;
  readonly inbox: Inbox;
  readonly history: History;
  readonly watermarks: Watermarks;
  readonly rosters: Rosters;
  readonly conversations: Conversations;
  readonly channels: Channels;
  readonly heads: Heads;
  readonly eventLog: EventLog;
  readonly work: DurableWork;
  readonly announcements: Announcements;
  readonly signals: Signals;
  readonly presence: Presence;
  readonly privacy: Privacy;
  readonly keeper: Pick<MediaKeeper, 'attach' | 'fetched'>;
  readonly wakeUps: WakeUps;
  readonly clock: Clock;
  readonly events: GatewayEvents;
  /** Drains one session in this process until it is live, closed or superseded. */
  readonly drainLocally: (device: DeviceAddress, token: number) => void;
  /** Epoch of the messages topic (core/position.ts). */
  readonly epoch: number;
  readonly options: WebSocketGatewayOptions;
}

export interface WebSocketGatewayOptions extends AcceptorOptions {
  readonly session: SessionLimits;
  /** How many new sessions it lets in. */
  readonly admission: RateLimit;
  /** Sends and receipts that may wait for the log, each. */
  readonly maxWaitingAppends: number;
}

export interface WebSocketGateway {
  /** What a link calls for this gateway. */
  readonly endpoint: GatewayEndpoint;
  /** Takes over upgrades to `/v1/socket` of an HTTP server. */
  attach(server: Server): void;
  sessions(): number;
  watches(): number;
  channelWatches(): number;
  /** How long somebody who came now would wait to be let in, in ms. */
  lineMs(): number;
  connections(): number;
  /** Sends all sessions to other gateways, one after the other over the time. */
  drain(overMs: number): Promise<void>;
  close(): Promise<void>;
}

/** The WebSocket edge. Works once attached; sessions turn live as soon as the registry gives the gateway its lease. */
export function createWebSocketGateway(dependencies: WebSocketGatewayDependencies): WebSocketGateway {
  const { gatewayId, eventLog, clock, events, options, announcements } = dependencies;
  const stop = new AbortController();
  const receipts = new ReceiptWriter({ eventLog, clock, maxWaiting: options.maxWaitingAppends, signal: stop.signal });
  const appends = appendsTo(eventLog, options.maxWaitingAppends);
  const waves = new WaveScheduler({ gatewayId, work: dependencies.work, clock, events, signal: stop.signal });
  const historyCatchUp = new LogCatchUp(eventLog, clock, { topic: 'messages', group: 'history-writer' });
  const hubs: Hubs = { hub: new PresenceHub(dependencies), channelHub: new ChannelHub({ ...dependencies, historyCatchUp }) };
  const sessions = new SessionHost({
    ...dependencies,
    ...{ receipts, waves, limits: options.session },
    ...presenceOf(hubs, dependencies),
    deviceMoved: (device, sessionEpoch) => void announcements.publish({ kind: 'device-moved', device, sessionEpoch }),
  });
  const doorkeeper = new Doorkeeper({ ...dependencies, admission: options.admission, drainingSessions: () => sessions.draining() });
  const sockets = new Sockets(clock);
  const audit = new RosterAudit({ ...dependencies, appends });
  const request = createRequestHandler({
    ...{ ...dependencies, ...hubs, receipts, appends, audit, historyCatchUp },
    receiptCatchUp: new LogCatchUp(eventLog, clock, { topic: 'receipts', group: 'receipt-handler' }),
  });
  const context: ConnectionContext = {
    events,
    hello: (frame, socket) => admit({ ...dependencies, doorkeeper, sessions }, frame, socket),
    request,
    typing: ({ device }, frame) => void tellTyping(dependencies, device, frame),
    nowMs: () => clock.nowMs(),
    renew: (session, token) => renew(dependencies, session, token),
    greeted: sockets.greeted.bind(sockets),
    left: sockets.left.bind(sockets),
  };
  const unsubscribe = listenFor({ sessions, ...hubs }, dependencies);
  sessions.start();
  for (const timed of [sockets, hubs.hub, hubs.channelHub, audit, doorkeeper]) void timed.run(stop.signal);

  return {
    endpoint: sessions,
    attach: (server) => {
      server.on('upgrade', createAcceptor({ context, sockets, options, events }));
    },
    sessions: () => sessions.size,
    watches: () => hubs.hub.size,
    channelWatches: () => hubs.channelHub.size,
    lineMs: () => doorkeeper.lineMs(),
    connections: () => sockets.size,
    drain: (overMs) => {
      doorkeeper.leave();
      return sockets.sendAway(overMs);
    },
    close: async () => {
      unsubscribe();
      await sessions.stop('goingAway');
      await audit.look();
      sockets.closeAll();
      stop.abort(new Error('the gateway closes'));
      await sockets.gone(closeGraceMs);
    },
  };
}

/** Messages, in batches: what gathers while an append is under way goes with the next. */
function appendsTo(eventLog: EventLog, maxWaiting: number): MicroBatcher<AppendRecord, Appended> {
  return new MicroBatcher((records) => eventLog.append('messages', records), { maxWaiting, maxBatch: 4_096, retryAfterMs: 1_000 });
}

interface Hubs {
  readonly hub: PresenceHub;
  readonly channelHub: ChannelHub;
}

interface Hearers extends Hubs {
  readonly sessions: SessionHost;
}

/** Sessions that come and go, as watchers and as those who are watched. */
function presenceOf(
  { hub, channelHub }: Hubs,
  { presence, devices, clock }: WebSocketGatewayDependencies,
): Pick<SessionHostDependencies, 'came' | 'left'> {
  return {
    came: ({ accountId }) => void presence.tell({ accountId, came: true }),
    left: (session, wasLast) => {
      hub.left(session);
      channelHub.left(session);
      if (!wasLast) return;
      devices.seen(session.device, clock.nowMs()).catch(() => undefined);
      void presence.tell({ accountId: session.device.accountId, came: false });
    },
  };
}

/** What other processes tell this gateway, until it ends it. */
function listenFor(hearers: Hearers, { announcements, signals, gatewayId }: WebSocketGatewayDependencies): () => void {
  const ends = [
    announcements.subscribe((announcement) => {
      heed(hearers, announcement);
    }),
    signals.receive(gatewayId, (signal) => {
      hearers.sessions.signal(signal.sessions, signal.frame);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function heed({ sessions, hub, channelHub }: Hearers, announcement: Announcement): void {
  switch (announcement.kind) {
    case 'device-revoked':
      sessions.closeDevice(announcement.device, announcement.reason);
      break;
    case 'device-moved':
      sessions.displace(announcement.device, announcement.sessionEpoch);
      break;
    case 'inbox-changed':
      sessions.inboxChanged(announcement.device);
      break;
    case 'prekeys-scarce':
      sessions.tell(announcement.device, { type: 'prekeys.low', ecRemaining: announcement.left.ec, kemRemaining: announcement.left.kem });
      break;
    case 'privacy-changed':
      hub.privacyChanged(announcement.accountId, announcement.other);
      break;
    case 'channel-left':
      channelHub.memberLeft(announcement.conversationId, announcement.accountId);
      break;
    case 'roster-changed':
      break;
  }
}
