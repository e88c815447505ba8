import type { Server } from 'node:http';

import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Announcement, Announcements } from '../../ports/announcements.js';
import type { Clock } from '../../ports/clock.js';
import type { DurableWork } from '../../ports/durable-work.js';
import type { AppendRecord, Appended, EventLog } from '../../ports/event-log.js';
import type { GatewayEndpoint } from '../../ports/gateway-link.js';
import type { History } from '../../ports/history.js';
import type { Inbox } from '../../ports/inbox.js';
import type { Presence } from '../../ports/presence.js';
import type { Privacy } from '../../ports/privacy.js';
import type { Rosters } from '../../ports/rosters.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import type { Signals } from '../../ports/signals.js';
import type { WakeUps } from '../../ports/wake-ups.js';
import type { Watermarks } from '../../ports/watermarks.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import { WaveScheduler } from '../drain/wave-scheduler.js';
import { PresenceHub } from '../presence/presence-hub.js';
import { ReceiptWriter } from '../receipt-writer.js';
import { createAcceptor, type AcceptorOptions } from './acceptor.js';
import { admit, renew, type AdmissionDependencies } from './admission.js';
import type { ConnectionContext } from './connection.js';
import { LogCatchUp } from './log-catch-up.js';
import { createRequestHandler } from './requests.js';
import type { SessionLimits } from './session-context.js';
import { SessionHost, type SessionHostDependencies } from './session-host.js';
import { Sockets } from './sockets.js';
import { tellTyping } from './typing.js';

/** Longest wait for clients to answer a close before their sockets are cut. */
const closeGraceMs = 2_000;

export interface WebSocketGatewayDependencies extends Omit<AdmissionDependencies, 'sessions'> {
  readonly registry: SessionRegistry;
  readonly inbox: Inbox;
  readonly history: History;
  readonly watermarks: Watermarks;
  readonly rosters: Rosters;
  readonly eventLog: EventLog;
  readonly work: DurableWork;
  readonly announcements: Announcements;
  readonly signals: Signals;
  readonly presence: Presence;
  readonly privacy: Privacy;
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
  const appends = new MicroBatcher<AppendRecord, Appended>((records) => eventLog.append('messages', records), {
    maxWaiting: options.maxWaitingAppends,
    maxBatch: 4_096,
    retryAfterMs: 1_000,
  });
  const waves = new WaveScheduler({ gatewayId, work: dependencies.work, clock, events, signal: stop.signal });
  const hub = new PresenceHub(dependencies);
  const sessions = new SessionHost({
    ...dependencies,
    ...{ receipts, waves, limits: options.session },
    ...presenceOf(hub, dependencies),
    deviceMoved: (device, sessionEpoch) => void announcements.publish({ kind: 'device-moved', device, sessionEpoch }),
  });
  const sockets = new Sockets(clock);
  const request = createRequestHandler({
    ...{ ...dependencies, receipts, appends, hub },
    historyCatchUp: new LogCatchUp(eventLog, clock, { topic: 'messages', group: 'history-writer' }),
    receiptCatchUp: new LogCatchUp(eventLog, clock, { topic: 'receipts', group: 'receipt-handler' }),
  });
  const context: ConnectionContext = {
    events,
    hello: (frame, socket) => admit({ ...dependencies, sessions }, frame, socket),
    request,
    typing: ({ device }, frame) => void tellTyping(dependencies, device, frame),
    nowMs: () => clock.nowMs(),
    renew: (session, token) => renew(dependencies, session, token),
    greeted: (connection) => {
      sockets.greeted(connection);
    },
    left: (connection) => {
      sockets.left(connection);
    },
  };
  const accept = createAcceptor({ context, sockets, options, events });
  const unsubscribe = listenFor({ sessions, hub }, dependencies);
  sessions.start();
  for (const timed of [sockets, hub]) void timed.run(stop.signal);

  return {
    endpoint: sessions,
    attach: (server) => {
      server.on('upgrade', accept);
    },
    sessions: () => sessions.size,
    watches: () => hub.size,
    connections: () => sockets.size,
    drain: (overMs) => sockets.sendAway(overMs),
    close: async () => {
      unsubscribe();
      await sessions.stop('goingAway');
      sockets.closeAll();
      stop.abort(new Error('the gateway closes'));
      await sockets.gone(closeGraceMs);
    },
  };
}

/** Sessions that come and go, as watchers and as those who are watched. */
function presenceOf(hub: PresenceHub, { presence, devices, clock }: WebSocketGatewayDependencies): Pick<SessionHostDependencies, 'came' | 'left'> {
  return {
    came: ({ accountId }) => void presence.tell({ accountId, came: true }),
    left: (session, wasLast) => {
      hub.left(session);
      if (!wasLast) return;
      devices.seen(session.device, clock.nowMs()).catch(() => undefined);
      void presence.tell({ accountId: session.device.accountId, came: false });
    },
  };
}

interface Hearers {
  readonly sessions: SessionHost;
  readonly hub: PresenceHub;
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

function heed({ sessions, hub }: Hearers, announcement: Announcement): void {
  switch (announcement.kind) {
    case 'device-revoked':
      sessions.closeDevice(announcement.device, 'deviceUnlinked');
      break;
    case 'device-moved':
      sessions.displace(announcement.device, announcement.sessionEpoch);
      break;
    case 'prekeys-scarce':
      sessions.tell(announcement.device, { type: 'prekeys.low', ecRemaining: announcement.left.ec, kemRemaining: announcement.left.kem });
      break;
    case 'privacy-changed':
      hub.privacyChanged(announcement.accountId, announcement.other);
      break;
    case 'roster-changed':
      break;
  }
}
