import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';

import type { CloseReason } from '../protocol/close-codes.js';
import type { ErrorCode } from '../protocol/errors.js';
import type { DeviceAddress } from '../protocol/ids.js';
import { createAdmissionEvents, type AdmissionEvents } from './admission-events.js';
import { createChannelEvents, type ChannelEvents } from './channel-events.js';
import { createPresenceEvents, type PresenceEvents } from './presence-events.js';
import { createRosterEvents, type RosterEvents } from './roster-events.js';

/** What happens at the WebSocket edge: one helper an event, one counter and at most one log line each. */
export interface GatewayEvents extends AdmissionEvents, PresenceEvents, RosterEvents, ChannelEvents {
  sessionOpened(): void;
  sessionClosed(reason: CloseReason): void;
  /** A session left `live`, or found something in its inbox. */
  sessionDraining(device: DeviceAddress, why: string): void;
  drainedLocally(device: DeviceAddress): void;
  waveStarted(devices: number): void;
  waveStartFailed(error: unknown): void;
  registryAway(): void;
  leaseLapsed(): void;
  messageAccepted(): void;
  requestRefused(code: ErrorCode): void;
  socketRefused(reason: CloseReason): void;
  /** A fault of ours: logged with its stack, shown to the client as `internal`. */
  failed(error: unknown): void;
}

export function createGatewayEvents(logger: Logger, registry: Registry): GatewayEvents {
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name: `heliograph_gateway_${name}_total`, help, labelNames, registers });
  const opened = counter('sessions_opened', 'Sessions opened.');
  const closed = counter('sessions_closed', 'Sessions closed, by reason.', ['reason']);
  const draining = counter('sessions_draining', 'Turns of a session to draining, by cause.', ['cause']);
  const local = counter('local_drains', 'Drains run by the gateway because no workflow did.');
  const waves = counter('drain_waves_started', 'Drain waves handed to the workflow engine.');
  const waveDevices = counter('drain_wave_devices', 'Devices in those waves.');
  const waveFailures = counter('drain_wave_start_failures', 'Times the workflow engine was found away.');
  const registryFailures = counter('registry_lapses', 'Times all sessions turned to draining because the registry was away or the lease lapsed.', [
    'cause',
  ]);
  const accepted = counter('messages_accepted', 'Messages accepted.');
  const refused = counter('requests_refused', 'Requests answered with an error, by code.', ['code']);
  const sockets = counter('sockets_refused', 'Sockets closed before they had a session, by reason.', ['reason']);
  const failures = counter('internal_errors', 'Faults of the gateway itself.');
  return {
    ...createAdmissionEvents(logger, registry),
    ...createPresenceEvents(registry),
    ...createRosterEvents(logger, registry),
    ...createChannelEvents(registry),
    sessionOpened: () => opened.inc(),
    sessionClosed: (reason) => closed.inc({ reason }),
    sessionDraining: (device, cause) => {
      draining.inc({ cause });
      logger.debug({ device, cause }, 'session turned to draining');
    },
    drainedLocally: (device) => {
      local.inc();
      logger.warn({ device }, 'draining a session in the gateway, no workflow did');
    },
    waveStarted: (devices) => {
      waves.inc();
      waveDevices.inc(devices);
      logger.debug({ devices }, 'drain wave started');
    },
    waveStartFailed: (error) => {
      waveFailures.inc();
      logger.warn({ err: error }, 'workflow engine is away, drain waves wait');
    },
    registryAway: () => {
      registryFailures.inc({ cause: 'away' });
      logger.warn('session registry is away, all sessions turned to draining');
    },
    leaseLapsed: () => {
      registryFailures.inc({ cause: 'lapsed' });
      logger.warn('gateway lease lapsed, all sessions turned to draining');
    },
    messageAccepted: () => accepted.inc(),
    requestRefused: (code) => refused.inc({ code }),
    socketRefused: (reason) => sockets.inc({ reason }),
    failed: (error) => {
      failures.inc();
      logger.error({ err: error }, 'gateway fault');
    },
  };
}
