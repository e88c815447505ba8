import { contentDigest } from '../../core/content-digest.js';
import type { MicroBatcher } from '../../core/micro-batcher.js';
import { positionOf } from '../../core/position.js';
import { requireUnblocked, withholds } from '../../core/privacy-rules.js';
import { checkDeviceSet, checkRosterDigest, devicesBeside, type Roster } from '../../core/roster.js';
import type { AppendRecord, Appended } from '../../ports/event-log.js';
import type { History } from '../../ports/history.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { SendFrame } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, isChannelId, type DeviceAddress } from '../../protocol/ids.js';
import { encodeMessageRecord, type MessageRecord } from '../../protocol/log-records.js';
import type { RosterDifference, ServerFrame } from '../../protocol/server-frames.js';
import type { MediaKeeper } from '../media/media-keeper.js';
import { requireMember } from '../require-member.js';
import { channelRoster, type ChannelSendDependencies } from './channel-send.js';
import type { Arrived } from './connection.js';
import type { RosterAudit } from './roster-audit.js';
import type { LogCatchUp } from '../log-catch-up.js';

export interface SendDependencies extends ChannelSendDependencies {
  readonly appends: MicroBatcher<AppendRecord, Appended>;
  readonly history: History;
  readonly rateLimiter: RateLimiter;
  readonly keeper: Pick<MediaKeeper, 'attach'>;
  readonly audit: Pick<RosterAudit, 'accepted'>;
  /** Of the history-writer. */
  readonly historyCatchUp: LogCatchUp;
  /** Epoch of the messages topic (core/position.ts). */
  readonly epoch: number;
}

type Accepted = Extract<ServerFrame, { type: 'accepted' }>;

/**
 * Accepts a send: limits, membership, device set, then the log. A retry of what was accepted gets its place, whatever changed since. The outer promise settles when the place in the order is taken,
 * so that a session's sends stay in order; the inner one when the log has it.
 */
export async function acceptSend(
  dependencies: SendDependencies,
  sender: DeviceAddress,
  { frame, arrivedAtMs }: Arrived<SendFrame>,
): Promise<{ readonly accepted: Promise<Accepted> }> {
  await checkRates(dependencies, sender, frame);
  checkShape(frame);
  if (frame.attempt > 1) {
    await dependencies.historyCatchUp.passed(frame.conversationId, arrivedAtMs);
    const first = await findFirst(dependencies, sender, frame);
    if (first !== undefined) return { accepted: Promise.resolve({ type: 'accepted', id: frame.id, messageId: frame.messageId, ...first }) };
  }
  const roster = await rosterFor(dependencies, sender, frame);
  checkSealing(frame, roster);
  requireUnblocked(roster, sender.accountId);
  const { roster: sentFor, recipients, difference } = await fitted(dependencies, sender, frame, roster);
  if (difference !== undefined && frame.strategy === 'strict') {
    throw new DomainError('roster_mismatch', 'the message was not sealed for the devices of the conversation', { detail: { ...difference } });
  }
  const isWithheld = withholds(roster, sender.accountId);
  await attachMedia(dependencies, sender, frame, isWithheld ? ownPartOf(sentFor, sender) : sentFor);
  const withheld = isWithheld ? { withheld: true as const } : {};
  const record: MessageRecord = { ...recordOf(sender, frame, difference), ...withheld, recipients };
  const appended = dependencies.appends.add({ key: frame.conversationId, value: encodeMessageRecord(record) });
  const accepted = answer(dependencies, sender, frame, { appended, roster: difference });
  // Nobody is named by a post in a channel.
  if (frame.kind === 'message' && roster.kind !== 'channel')
    void accepted.then(
      (place) => audited(dependencies.audit, record, { place, roster: sentFor }),
      () => undefined,
    );
  return { accepted };
}

/** Before anybody is told of the message: who may fetch its files is known, and for whom they are kept. */
async function attachMedia(
  { keeper }: SendDependencies,
  sender: DeviceAddress,
  { media = [], ttlSeconds }: SendFrame,
  audience: Roster,
): Promise<void> {
  if (media.length === 0) return;
  const inChannel = audience.kind === 'channel';
  await keeper.attach(
    media,
    { ownerId: sender.accountId, ttlSeconds },
    { recipients: inChannel ? [] : devicesBeside(audience, sender), channelId: inChannel ? audience.conversationId : undefined },
  );
}

function ownPartOf(roster: Roster, { accountId }: DeviceAddress): Roster {
  return { ...roster, members: roster.members.filter((member) => member.accountId === accountId) };
}

function audited(
  audit: SendDependencies['audit'],
  { messageId, conversationId, sender, withheld, media = [], ttlSeconds }: MessageRecord,
  { place, roster }: { readonly place: Accepted; readonly roster: Roster },
): void {
  const { position, acceptedAtMs } = place;
  audit.accepted({ ...{ messageId, conversationId, position, acceptedAtMs, sender, roster, media, ttlSeconds }, withheld: withheld === true });
}

function rosterFor(dependencies: SendDependencies, sender: DeviceAddress, frame: SendFrame): Promise<Roster> {
  if (isChannelId(frame.conversationId)) return channelRoster(dependencies, sender, frame);
  return requireMember(dependencies.rosters, sender.accountId, frame.conversationId);
}

interface Fitted {
  readonly roster: Roster;
  /** Of a message that is sealed once for all. */
  readonly recipients: readonly DeviceAddress[] | undefined;
  readonly difference: RosterDifference | undefined;
}

/** A sender whose roster is not that of the cache may have the newer one. */
async function fitted({ rosters }: SendDependencies, sender: DeviceAddress, frame: SendFrame, cached: Roster): Promise<Fitted> {
  const fits = fit(sender, frame, cached);
  if (fits.difference === undefined || frame.rosterDigest === cached.digest) return fits;
  const present = await rosters.refreshed(frame.conversationId);
  return present === undefined || present.digest === cached.digest ? fits : fit(sender, frame, present);
}

function fit(sender: DeviceAddress, frame: SendFrame, roster: Roster): Fitted {
  const { kind, envelopes, rosterDigest } = frame;
  if (roster.kind === 'direct') return { roster, recipients: undefined, difference: checkDeviceSet(roster, sender, envelopes) };
  if (kind === 'keys') return { roster, recipients: undefined, difference: checkDeviceSet(roster, sender, envelopes, 'some') };
  const recipients = roster.kind === 'channel' ? undefined : devicesBeside(roster, sender);
  return { roster, recipients, difference: checkRosterDigest(roster, rosterDigest) };
}

interface Taken {
  readonly appended: Promise<Appended>;
  readonly roster: RosterDifference | undefined;
}

/** An earlier attempt, whose outcome nobody knew, may have come into the log just before a retry: then that one's position counts, which history tells. */
async function answer(dependencies: SendDependencies, sender: DeviceAddress, frame: SendFrame, { appended, roster }: Taken): Promise<Accepted> {
  const { offset, appendedAtMs } = await appended;
  let place = { position: positionOf(dependencies.epoch, offset), acceptedAtMs: appendedAtMs };
  if (frame.attempt > 1) {
    await dependencies.historyCatchUp.passed(frame.conversationId);
    place = (await findFirst(dependencies, sender, frame)) ?? place;
  }
  const accepted = { type: 'accepted', id: frame.id, messageId: frame.messageId, ...place } as const;
  return roster === undefined ? accepted : { ...accepted, roster };
}

async function checkRates({ rateLimiter }: SendDependencies, sender: DeviceAddress, { conversationId }: SendFrame): Promise<void> {
  const device = deviceKey(sender);
  const ofDevice = await rateLimiter.take('send', device);
  if (!ofDevice.allowed) throw new DomainError('rate_limited', 'too many sends of this device', { retryAfterMs: ofDevice.retryAfterMs });
  const toRecipient = await rateLimiter.take('recipient', `${device}>${conversationId}`);
  if (!toRecipient.allowed) throw new DomainError('rate_limited', 'too many sends to this conversation', { retryAfterMs: toRecipient.retryAfterMs });
}

function checkShape({ kind, body, envelopes, media = [] }: SendFrame): void {
  if (kind === 'message' && body === undefined) throw new DomainError('invalid_frame', 'body: a message needs one', { detail: { field: 'body' } });
  if (kind === 'keys' && body !== undefined) throw new DomainError('invalid_frame', 'body: keys carry envelopes only', { detail: { field: 'body' } });
  if (kind === 'keys' && media.length > 0) throw new DomainError('invalid_frame', 'media: keys carry envelopes only', { detail: { field: 'media' } });
  if (new Set(media).size < media.length) throw new DomainError('invalid_frame', 'media: each file once', { detail: { field: 'media' } });
  const devices = new Set(envelopes.map(({ to }) => deviceKey(to)));
  if (devices.size < envelopes.length) throw new DomainError('invalid_frame', 'envelopes: one for each device', { detail: { field: 'envelopes' } });
}

function checkSealing({ kind, envelopes, envelope }: SendFrame, roster: Roster): void {
  if (kind === 'message' && roster.kind !== 'direct' && envelopes.length > 0) {
    const rule = roster.kind === 'group' ? 'a group message has one `envelope` for all' : 'a post in a channel has none';
    throw new DomainError('invalid_frame', `envelopes: ${rule}`, { detail: { field: 'envelopes' } });
  }
  if (envelope !== undefined && (kind === 'keys' || roster.kind !== 'group')) {
    throw new DomainError('invalid_frame', 'envelope: only a group message has one', { detail: { field: 'envelope' } });
  }
}

/** With `partial`, envelopes for devices that are not in the roster, or were made for an earlier registration, are dropped. */
function recordOf(sender: DeviceAddress, frame: SendFrame, difference: RosterDifference | undefined): MessageRecord {
  const { messageId, conversationId, kind, attempt, envelope, body, media, ttlSeconds } = frame;
  const dropped = new Set([...(difference?.extra ?? []), ...(difference?.stale ?? [])].map(deviceKey));
  const envelopes = dropped.size === 0 ? frame.envelopes : frame.envelopes.filter(({ to }) => !dropped.has(deviceKey(to)));
  return {
    messageId,
    conversationId,
    kind,
    sender,
    attempt,
    envelopes,
    ...(envelope === undefined ? {} : { envelope }),
    ...(body === undefined ? {} : { body }),
    ...(media === undefined ? {} : { media }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
}

/** Of a retry: where the log has the message first, known once the history-writer passed whatever of it the log may hold. */
async function findFirst(
  dependencies: SendDependencies,
  sender: DeviceAddress,
  frame: SendFrame,
): Promise<{ readonly position: number; readonly acceptedAtMs: number } | undefined> {
  const [found] = await dependencies.history.find([frame.messageId]);
  if (found === undefined) return undefined;
  const same =
    found.sender.accountId === sender.accountId &&
    found.sender.deviceId === sender.deviceId &&
    Buffer.compare(found.digest, contentDigest(frame)) === 0;
  if (!same) throw new DomainError('message_conflict', 'this messageId was used before for other content', { detail: { field: 'messageId' } });
  return { position: found.position, acceptedAtMs: found.acceptedAtMs };
}
