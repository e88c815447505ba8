import { Context } from '@temporalio/activity';

import type { HerdState, LostGateway, OrphanPage, RecoveryCounts } from '../core/recovery-plan.js';
import type { Devices } from '../ports/accounts.js';
import type { Clock } from '../ports/clock.js';
import type { LostGateways } from '../ports/lost-gateways.js';
import type { Presence } from '../ports/presence.js';
import type { SessionRegistry } from '../ports/session-registry.js';
import type { WaitingLine } from '../ports/waiting-line.js';
import type { WakeUps } from '../ports/wake-ups.js';
import type { DeviceAddress } from '../protocol/ids.js';
import type { RecoveryEvents } from '../telemetry/recovery-events.js';
import { withMappedErrors } from './errors.js';

export interface OrphansAway extends OrphanPage {
  /** Devices of the page that have no session. */
  readonly away: number;
}

/** What the workflow `gatewayRecovery` calls. Before anything is done for a device its session is looked up again: whoever is back is left alone. */
export interface GatewayRecoveryActivities {
  /** How many of its devices have not come back. */
  readonly countOrphans: (gateway: LostGateway) => Promise<number>;
  /** Those that are away were last seen when the gateway was, and are offline: their watchers hear of it. */
  readonly correctOrphans: (gateway: LostGateway, page: OrphanPage) => Promise<OrphansAway>;
  /** Watches for a while who comes back. Answers how it is at the end. */
  readonly watchReturns: (gateway: LostGateway) => Promise<HerdState>;
  /** Those that are still away are woken by push, if something waits for them. */
  readonly wakeOrphans: (gateway: LostGateway, page: OrphanPage) => Promise<OrphansAway>;
  readonly endRecovery: (gateway: LostGateway, counts: RecoveryCounts) => Promise<void>;
}

export interface GatewayRecoveryDependencies {
  readonly lostGateways: LostGateways;
  readonly registry: SessionRegistry;
  readonly devices: Devices;
  readonly presence: Presence;
  readonly wakeUps: WakeUps;
  readonly line: WaitingLine;
  readonly clock: Clock;
  readonly events: RecoveryEvents;
}

const pageSize = 1_000;
const watchMs = 10_000;
const lookEveryMs = 1_000;

export function createGatewayRecoveryActivities(dependencies: GatewayRecoveryDependencies): GatewayRecoveryActivities {
  const { lostGateways, events } = dependencies;
  return {
    countOrphans: withMappedErrors(async (gateway: LostGateway) => {
      const devices = await lostGateways.count(gateway);
      events.begun(gateway, devices);
      return devices;
    }),
    correctOrphans: withMappedErrors((gateway: LostGateway, page: OrphanPage) => correctOrphans(dependencies, gateway, page)),
    watchReturns: withMappedErrors((gateway: LostGateway) => watchReturns(dependencies, gateway)),
    wakeOrphans: withMappedErrors((gateway: LostGateway, page: OrphanPage) => wakeOrphans(dependencies, gateway, page)),
    endRecovery: withMappedErrors(async (gateway: LostGateway, counts: RecoveryCounts) => {
      await lostGateways.forget(gateway);
      events.ended(gateway, counts);
    }),
  };
}

async function correctOrphans(dependencies: GatewayRecoveryDependencies, gateway: LostGateway, page: OrphanPage): Promise<OrphansAway> {
  const { devices, presence } = dependencies;
  const { away, ...rest } = await look(dependencies, gateway, page);
  await Promise.all(away.map((device) => devices.seen(device, gateway.lastSeenAtMs)));
  await Promise.all([...new Set(away.map((device) => device.accountId))].map((accountId) => presence.tell({ accountId, came: false })));
  return { ...rest, away: away.length };
}

async function wakeOrphans(dependencies: GatewayRecoveryDependencies, gateway: LostGateway, page: OrphanPage): Promise<OrphansAway> {
  const { wakeUps } = dependencies;
  const { away, ...rest } = await look(dependencies, gateway, page);
  // They stay on the list until the recovery ends: asking is best effort, and who is asked twice is woken once.
  for (const device of away) wakeUps.ask(device, 'at-once');
  return { ...rest, away: away.length };
}

async function watchReturns(dependencies: GatewayRecoveryDependencies, gateway: LostGateway): Promise<HerdState> {
  const { line, clock } = dependencies;
  const context = Context.current();
  const beganAtMs = clock.nowMs();
  for (;;) {
    let away = 0;
    let after: DeviceAddress | undefined;
    do {
      const page = await look(dependencies, gateway, { after });
      away += page.away.length;
      after = page.after;
      context.heartbeat();
    } while (after !== undefined);
    const watchedMs = clock.nowMs() - beganAtMs;
    if (away === 0 || watchedMs >= watchMs) return { watchedMs, away, lineMs: await line.lengthMs() };
    await clock.sleep(lookEveryMs, context.cancellationSignal);
  }
}

/** A page of those who are not settled; whoever is back is settled by that. */
async function look(
  { lostGateways, registry }: GatewayRecoveryDependencies,
  gateway: LostGateway,
  { after }: OrphanPage,
): Promise<OrphanPage & { readonly away: readonly DeviceAddress[] }> {
  const orphans = await lostGateways.devices(gateway, { after, limit: pageSize });
  const accounts = [...new Set(orphans.map(({ accountId }) => accountId))];
  const sessions = await registry.lookup(accounts);
  const present = new Map(accounts.map((accountId, index) => [accountId, new Set(sessions[index]?.map(({ deviceId }) => deviceId))]));
  const isBack = ({ accountId, deviceId }: DeviceAddress) => present.get(accountId)?.has(deviceId) === true;
  await lostGateways.settle(gateway, orphans.filter(isBack));
  const last = orphans.length === pageSize ? orphans.at(-1) : undefined;
  return { away: orphans.filter((device) => !isBack(device)), ...(last === undefined ? {} : { after: last }) };
}
