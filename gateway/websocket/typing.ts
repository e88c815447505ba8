import { groupBy } from '../../core/group-by.js';
import { hearTyping } from '../../core/privacy-rules.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { Rosters } from '../../ports/rosters.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import type { Signals } from '../../ports/signals.js';
import type { TypingFrame } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import { requireMember } from '../require-member.js';

export interface TypingDependencies {
  readonly rosters: Rosters;
  readonly registry: SessionRegistry;
  readonly rateLimiter: RateLimiter;
  readonly signals: Signals;
  readonly events: GatewayEvents;
}

/**
 * Somebody types, or stopped: told to the devices of the others that are online, with one look-up for all and one message for each gateway. Best effort, and without an answer: what is too
 * often, or of somebody who is not in the conversation, or comes while the registry is away, is dropped. Never rejects.
 */
export async function tellTyping(dependencies: TypingDependencies, device: DeviceAddress, frame: TypingFrame): Promise<void> {
  try {
    await tell(dependencies, device, frame);
  } catch (error) {
    if (!(error instanceof DomainError)) dependencies.events.failed(error);
  }
}

async function tell(dependencies: TypingDependencies, device: DeviceAddress, { conversationId, state }: TypingFrame): Promise<void> {
  const { rosters, registry, signals, events } = dependencies;
  if (!(await mayTell(dependencies, device, `${conversationId}/${state}`))) {
    events.typingDropped();
    return;
  }
  const roster = await requireMember(rosters, device.accountId, conversationId);
  const accounts = hearTyping(roster, device.accountId);
  if (accounts.length === 0) return;
  const found = await registry.lookup(accounts);
  const sessions = accounts.flatMap((accountId, index) =>
    (found[index] ?? []).map(({ deviceId, gatewayId, sessionEpoch }) => ({ gatewayId, ref: { device: { accountId, deviceId }, sessionEpoch } })),
  );
  const frame = { type: 'typing', conversationId, accountId: device.accountId, state } as const;
  for (const [gatewayId, ofGateway] of groupBy(sessions, (session) => session.gatewayId)) {
    events.typingTold();
    void signals.send(gatewayId, { sessions: ofGateway.map(({ ref }) => ref), frame });
  }
}

/** Of each state in a conversation, and of all that a device says, which may name any number of conversations. */
async function mayTell({ rateLimiter }: TypingDependencies, device: DeviceAddress, what: string): Promise<boolean> {
  const key = deviceKey(device);
  const inConversation = await rateLimiter.take('typing', `${key}>${what}`);
  return inConversation.allowed && (await rateLimiter.take('typingDevice', key)).allowed;
}
