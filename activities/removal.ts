import { Context } from '@temporalio/activity';

import type { RemovalCounts, RemovalPlan } from '../core/removal-plan.js';
import type { Announcements } from '../ports/announcements.js';
import type { Channels } from '../ports/channels.js';
import type { Clock } from '../ports/clock.js';
import type { Conversation, Conversations } from '../ports/conversations.js';
import type { EventLog } from '../ports/event-log.js';
import type { Groups } from '../ports/groups.js';
import type { Inbox } from '../ports/inbox.js';
import type { Media } from '../ports/media.js';
import type { Removal, Removals } from '../ports/removals.js';
import { DomainError, type ErrorCode } from '../protocol/errors.js';
import type { ConversationId, DeviceAddress } from '../protocol/ids.js';
import type { RemovalEvents } from '../telemetry/removal-events.js';
import { withMappedErrors } from './errors.js';

export interface ConversationsLeft extends Pick<RemovalCounts, 'groupsLeft' | 'channelsLeft'> {
  /** Where the next page begins; missing after the last one. */
  readonly after?: ConversationId;
}

/** What the workflows `deviceUnlink` and `accountErasure` call. Repeating any of it removes nothing twice. */
export interface RemovalActivities {
  /** The account leaves up to 100 groups and channels. The others hear of it. */
  readonly leaveConversations: (removal: RemovalPlan, after?: ConversationId) => Promise<ConversationsLeft>;
  /** Nobody is given up to 1,000 files of the account any more; their expiry deletes them. */
  readonly revokeFiles: (removal: RemovalPlan) => Promise<{ readonly files: number; readonly more: boolean }>;
  /** Empties the inboxes of the devices; no file waits for them any more. Answers how many devices they are. */
  readonly forgetDevices: (removal: RemovalPlan) => Promise<number>;
  /** Until everything that the log holds now was routed. */
  readonly awaitRouting: (removal: RemovalPlan) => Promise<void>;
  /** Receipts of more than a year ago are forgotten on the way. */
  readonly finishRemoval: (removal: RemovalPlan, removed: RemovalCounts) => Promise<void>;
}

export interface RemovalDependencies {
  readonly removals: Removals;
  readonly conversations: Conversations;
  readonly groups: Groups;
  readonly channels: Channels;
  readonly media: Media;
  readonly inbox: Inbox;
  readonly eventLog: EventLog;
  readonly announcements: Announcements;
  readonly clock: Clock;
  readonly events: RemovalEvents;
}

const conversationsPerCall = 100;
const filesPerCall = 1_000;
const receiptMaxAgeMs = 365 * 24 * 3_600_000;
const receiptsForgottenAtOnce = 100;
const lookEveryMs = 200;
const notThere: ReadonlySet<ErrorCode> = new Set(['not_a_member', 'not_found', 'gone']);

export function createRemovalActivities(dependencies: RemovalDependencies): RemovalActivities {
  const { removals, media, clock, events } = dependencies;
  return {
    leaveConversations: withMappedErrors((plan: RemovalPlan, after?: ConversationId) => leaveConversations(dependencies, plan, after)),
    revokeFiles: withMappedErrors(async (plan: RemovalPlan) => {
      const { accountId } = firstOf(await found(dependencies, plan));
      const { files } = await media.revokeAll(accountId, clock.nowMs(), filesPerCall);
      return { files, more: files === filesPerCall };
    }),
    forgetDevices: withMappedErrors((plan: RemovalPlan) => forgetDevices(dependencies, plan)),
    awaitRouting: withMappedErrors(() => awaitRouting(dependencies)),
    finishRemoval: withMappedErrors(async ({ removalId, kind }: RemovalPlan, removed: RemovalCounts) => {
      await removals.finish(removalId, removed, clock.nowMs());
      await removals.forget(clock.nowMs() - receiptMaxAgeMs, receiptsForgottenAtOnce);
      events.finished(kind, removed);
    }),
  };
}

/** Throws DomainError `not_found`, which no attempt mends. */
async function found({ removals }: RemovalDependencies, { removalId }: RemovalPlan): Promise<Removal> {
  const removal = await removals.find(removalId);
  if (removal === undefined) throw new DomainError('not_found', `there is no removal ${removalId}`);
  return removal;
}

function firstOf({ devices: [device], removalId }: Removal): DeviceAddress {
  if (device === undefined) throw new DomainError('not_found', `removal ${removalId} names no device`);
  return device;
}

async function leaveConversations(dependencies: RemovalDependencies, plan: RemovalPlan, after?: ConversationId): Promise<ConversationsLeft> {
  const by = firstOf(await found(dependencies, plan));
  const page = await dependencies.conversations.list(by.accountId, { after, limit: conversationsPerCall });
  const left = { group: 0, channel: 0, direct: 0 };
  for (const { kind, conversationId } of page) {
    if (await leave(dependencies, by, { kind, conversationId })) left[kind] += 1;
    Context.current().heartbeat();
  }
  const last = page.length === conversationsPerCall ? page.at(-1)?.conversationId : undefined;
  return { groupsLeft: left.group, channelsLeft: left.channel, ...(last === undefined ? {} : { after: last }) };
}

/** A direct conversation is the other one's too, and stays. Gateways put what tells the others into the log. */
async function leave(
  { groups, channels, announcements, clock }: RemovalDependencies,
  by: DeviceAddress,
  { kind, conversationId }: Pick<Conversation, 'kind' | 'conversationId'>,
): Promise<boolean> {
  if (kind === 'direct') return false;
  const left = await (kind === 'group' ? groups : channels).change(conversationId, by, { type: 'leave' }, clock.nowMs()).catch(isNotThere);
  if (kind === 'channel') await announcements.publish({ kind: 'channel-left', conversationId, accountId: by.accountId });
  await announcements.publish({ kind: 'roster-changed', conversationIds: [conversationId] });
  return left;
}

/** Somebody removed the account first, or an attempt did that nobody heard of. */
function isNotThere(error: unknown): false {
  if (error instanceof DomainError && notThere.has(error.code)) return false;
  throw error;
}

async function forgetDevices(dependencies: RemovalDependencies, plan: RemovalPlan): Promise<number> {
  const { inbox, media, clock } = dependencies;
  const { devices } = await found(dependencies, plan);
  for (const device of devices) {
    await inbox.clear(device);
    await media.deviceRemoved(device, clock.nowMs());
    Context.current().heartbeat();
  }
  return devices.length;
}

async function awaitRouting({ eventLog, clock }: RemovalDependencies): Promise<void> {
  const context = Context.current();
  const look = () => eventLog.progress('messages', 'delivery-router');
  const ends = new Map((await look()).map(({ partition, end }) => [partition, end]));
  while ((await look()).some(({ partition, committed }) => committed < (ends.get(partition) ?? 0))) {
    context.heartbeat();
    await clock.sleep(lookEveryMs, context.cancellationSignal);
  }
}
