import type { Clock } from '../../ports/clock.js';
import type { Devices } from '../../ports/accounts.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { HelloFrame } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import type { Doorkeeper } from '../admission/doorkeeper.js';
import type { Tokens } from '../tokens.js';
import type { Admitted } from './connection.js';
import type { Session } from './session.js';
import type { SessionHost } from './session-host.js';
import type { FrameSocket } from './socket.js';

export interface AdmissionDependencies {
  readonly gatewayId: string;
  readonly tokens: Tokens;
  readonly devices: Devices;
  readonly rateLimiter: RateLimiter;
  readonly clock: Clock;
  readonly doorkeeper: Doorkeeper;
  readonly sessions: SessionHost;
  /** How long a row of an inbox is kept. */
  readonly inboxMaxAgeMs: number;
}

/**
 * A hello: token, its device's rate, a place among the gateway's new sessions, a device that was not unlinked; then a session.
 * Throws DomainError `unauthenticated`, `rate_limited`, `unavailable`. `undefined`: the device was told when to come back, and closed.
 */
export async function admit(dependencies: AdmissionDependencies, frame: HelloFrame, socket: FrameSocket): Promise<Admitted | undefined> {
  const { gatewayId, tokens, devices, rateLimiter, clock, doorkeeper, sessions, inboxMaxAgeMs } = dependencies;
  const { device, expiresAtMs } = await tokens.verify(frame.token);
  const ofDevice = await rateLimiter.take('hello', deviceKey(device));
  if (!ofDevice.allowed) throw new DomainError('rate_limited', 'hello: too often', { retryAfterMs: ofDevice.retryAfterMs });
  const entry = await doorkeeper.enter(device, frame.ticket);
  if (entry.outcome === 'later') {
    const { afterMs, ticket } = entry;
    socket.send({ type: 'reconnect', afterMs, reason: 'overloaded', ...(ticket === undefined ? {} : { ticket }) });
    socket.close('overloaded');
    return undefined;
  }
  if (!(await devices.isActive(device))) throw new DomainError('unauthenticated', 'token: its device was unlinked');
  const nowMs = clock.nowMs();
  const awayTooLong = devices.seen(device, nowMs).then(
    (seenAtMs = nowMs) => nowMs - seenAtMs > inboxMaxAgeMs,
    // Whoever looks at the devices is shown an older time.
    () => false,
  );
  const greeted = { device, connection: frame.connection, socket, waited: entry.waited, awayTooLong };
  const session = sessions.open(greeted, (inbox): ServerFrame => {
    const { accountId, deviceId } = device;
    const { heartbeatMs } = limits;
    return {
      type: 'welcome',
      accountId,
      deviceId,
      sessionEpoch: frame.connection,
      gatewayId,
      heartbeatMs,
      limits,
      inbox,
      serverTimeMs: clock.nowMs(),
    };
  });
  return session === undefined ? undefined : { session, expiresAtMs };
}

/** A new token for the session's own device; answers its expiry. */
export async function renew({ tokens }: Pick<AdmissionDependencies, 'tokens'>, session: Session, token: string): Promise<number> {
  const { device, expiresAtMs } = await tokens.verify(token);
  if (deviceKey(device) !== deviceKey(session.device)) throw new DomainError('forbidden', 'token: of another device', { detail: { field: 'token' } });
  return expiresAtMs;
}
