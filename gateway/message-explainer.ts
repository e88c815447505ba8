import { explainDevice, furthestOf, shownToSender, type DeviceFacts, type MessageFacts, type Outcome } from '../core/explain-message.js';
import { groupBy } from '../core/group-by.js';
import { epochOf, offsetOf } from '../core/position.js';
import { visibleReceipts, type ReceiptMark } from '../core/privacy-rules.js';
import type { Clock } from '../ports/clock.js';
import type { Conversations } from '../ports/conversations.js';
import { progressOf, type EventLog, type LogReader } from '../ports/event-log.js';
import type { History, MessageLocation, StoredAlias, StoredMessage } from '../ports/history.js';
import type { Inbox } from '../ports/inbox.js';
import type { Quarantine } from '../ports/quarantine.js';
import type { Rosters } from '../ports/rosters.js';
import type { DeviceSession, SessionRegistry } from '../ports/session-registry.js';
import type { Watermarks } from '../ports/watermarks.js';
import { DomainError } from '../protocol/errors.js';
import { deviceKey, isChannelId, type AccountId, type ConversationId, type DeviceAddress, type MessageId } from '../protocol/ids.js';
import { decodeMessageRecord, type MessageRecord } from '../protocol/log-records.js';
import type { Explanation, ExplanationDetail } from '../protocol/rest/explanation.js';
import { LogCatchUp } from './log-catch-up.js';

const groups = [
  { topic: 'messages', group: 'history-writer' },
  { topic: 'messages', group: 'delivery-router' },
  { topic: 'receipts', group: 'receipt-handler' },
] as const satisfies readonly LogReader[];

export interface MessageExplainerDependencies {
  readonly eventLog: EventLog;
  readonly history: Pick<History, 'find' | 'read'>;
  readonly watermarks: Pick<Watermarks, 'of'>;
  readonly inbox: Pick<Inbox, 'queuedAtMs'>;
  readonly quarantine: Pick<Quarantine, 'sinceMs'>;
  readonly conversations: Pick<Conversations, 'deviceLives'>;
  readonly rosters: Rosters;
  readonly registry: Pick<SessionRegistry, 'lookup'>;
  readonly clock: Clock;
  /** Epoch of the messages topic (core/position.ts). */
  readonly epoch: number;
}

interface ExplainedDevice extends DeviceFacts {
  readonly outcome: Outcome;
}

interface Gathered {
  readonly message: MessageFacts;
  readonly progress: ExplanationDetail['groups'];
  /** Of one account each. */
  readonly accounts: readonly (readonly [ExplainedDevice, ...ExplainedDevice[]])[];
}

/**
 * Says where a message is for each device, by what the stores hold: nothing is written for it. A few reads for each message, however many devices there are.
 * Throws DomainError: `not_found`; `unavailable` when a store is away, or when the message may be among those that the history-writer has not written yet.
 */
export class MessageExplainer {
  readonly #dependencies: MessageExplainerDependencies;
  readonly #historyWriter: LogCatchUp;

  constructor(dependencies: MessageExplainerDependencies) {
    this.#dependencies = dependencies;
    this.#historyWriter = new LogCatchUp(dependencies.eventLog, dependencies.clock, groups[0]);
  }

  /** For whoever sent it: a message of somebody else looks like one that does not exist. */
  async outcome(messageId: MessageId, asker: AccountId): Promise<Explanation> {
    const location = await this.#locate(messageId, ({ sender }) => sender.accountId === asker);
    const { accounts } = await this.#gather(location, asker);
    const { conversationId, position, acceptedAtMs } = location;
    const views = accounts.map((devices) => {
      const shown = devices.map(({ device: { deviceId }, outcome }) => ({ deviceId, ...shownToSender(outcome) }));
      return { accountId: devices[0].device.accountId, state: furthestOf(shown), devices: shown };
    });
    return { messageId, conversationId, position, acceptedAtMs, ...pulledIn(conversationId), accounts: views };
  }

  /** For operators: with what it was derived from. */
  async detail(messageId: MessageId): Promise<ExplanationDetail> {
    const location = await this.#locate(messageId, () => true);
    const { message, progress, accounts } = await this.#gather(location);
    const { conversationId, position, acceptedAtMs, sender } = location;
    const sessions = await this.#sessions(accounts.map(([{ device }]) => device.accountId));
    const views = accounts.map((devices) => ({
      accountId: devices[0].device.accountId,
      state: furthestOf(devices.map(({ outcome }) => outcome)),
      devices: devices.map((device) => detailOf(device, sessions?.get(deviceKey(device.device)))),
    }));
    return {
      ...{ messageId, conversationId, position, acceptedAtMs, kind: message.kind, sender },
      ...(message.expiresAtMs === undefined ? {} : { expiresAtMs: message.expiresAtMs }),
      ...pulledIn(conversationId),
      ...{ epoch: epochOf(position), partition: this.#partitionOf(conversationId), offset: offsetOf(position), recorded: message.recorded },
      ...{ groups: progress, registry: sessions === undefined ? 'away' : 'ok', accounts: views },
    };
  }

  async #locate(messageId: MessageId, mayKnow: (location: MessageLocation) => boolean): Promise<MessageLocation> {
    const find = async () => (await this.#dependencies.history.find([messageId])).find((location) => location !== undefined && mayKnow(location));
    const known = await find();
    if (known !== undefined) return known;
    const refusal: unknown = await this.#historyWriter.allPassed().then(
      () => new DomainError('not_found', 'there is no such message, or it is too old'),
      (error: unknown) => error,
    );
    const written = await find();
    if (written === undefined) throw refusal;
    return written;
  }

  /** `viewer`: with what that account may know of the others. Left out: all. */
  async #gather(location: MessageLocation, viewer?: AccountId): Promise<Gathered> {
    const { history, inbox, quarantine, conversations, clock, epoch } = this.#dependencies;
    const { conversationId } = location;
    // Before the rows: what the router is past was acked, or had its row when they are looked for.
    const [progress, [stored], record, marks] = await Promise.all([
      this.#progress(conversationId),
      history.read([location]),
      this.#record(location),
      this.#watermarks(conversationId, viewer),
    ]);
    const addressed = record === undefined ? [] : devicesOf(record);
    const others = new Set([...addressed, ...marks].map(({ accountId }) => accountId));
    const lives = await conversations.deviceLives(conversationId, [...others]);
    const devices = lives.map(({ device }) => device);
    const [queued, quarantined] = await Promise.all([inbox.queuedAtMs(devices, location), quarantine.sinceMs(devices, location)]);
    const message = messageOf(location, { stored, record, progress, epoch, nowMs: clock.nowMs() });
    const named = new Set(addressed.map(deviceKey));
    const markOf = new Map(marks.map((mark) => [deviceKey(mark), mark]));
    const explained = lives.flatMap((life, index): ExplainedDevice[] => {
      const key = deviceKey(life.device);
      const { delivered, read, except } = markOf.get(key) ?? {};
      const facts = { ...life, named: named.has(key), queuedAtMs: queued[index], quarantinedAtMs: quarantined[index], delivered, read, except };
      const outcome = explainDevice(message, facts);
      return outcome === undefined ? [] : [{ ...facts, outcome }];
    });
    return { message, progress, accounts: [...groupBy(explained, ({ device }) => device.accountId).values()] };
  }

  async #watermarks(conversationId: ConversationId, viewer: AccountId | undefined): Promise<readonly ReceiptMark[]> {
    const { watermarks, rosters } = this.#dependencies;
    // Nobody is told who reads a channel.
    if (isChannelId(conversationId)) return [];
    const marks = await watermarks.of([conversationId]);
    if (viewer === undefined) return marks;
    const roster = await rosters.roster(conversationId);
    return roster === undefined ? [] : visibleReceipts(roster, viewer, marks);
  }

  /** What the log keeps of it; `undefined` when retention took it. */
  async #record({ conversationId, position }: MessageLocation): Promise<MessageRecord | undefined> {
    const { eventLog, epoch } = this.#dependencies;
    if (epochOf(position) !== epoch) return undefined;
    const record = await eventLog.read('messages', this.#partitionOf(conversationId), offsetOf(position));
    return record && decodeMessageRecord(record.value);
  }

  #partitionOf(conversationId: ConversationId): number {
    return this.#dependencies.eventLog.partitionOf('messages', conversationId);
  }

  #progress(conversationId: ConversationId): Promise<ExplanationDetail['groups']> {
    const { eventLog } = this.#dependencies;
    return Promise.all(
      groups.map(async ({ topic, group }) => {
        const { committed, end } = await progressOf(eventLog, { topic, group }, conversationId);
        return { topic, group, committed, end };
      }),
    );
  }

  /** `undefined` while the registry is away: the rest is worth telling then, too. */
  async #sessions(accounts: readonly AccountId[]): Promise<ReadonlyMap<string, DeviceSession> | undefined> {
    try {
      const found = await this.#dependencies.registry.lookup(accounts);
      return new Map(accounts.flatMap((accountId, index) => (found[index] ?? []).map((session) => [deviceKey({ accountId, ...session }), session])));
    } catch (error) {
      if (error instanceof DomainError && error.code === 'unavailable') return undefined;
      throw error;
    }
  }
}

function pulledIn(conversationId: ConversationId): { readonly pulled?: true } {
  return isChannelId(conversationId) ? { pulled: true } : {};
}

interface ReadOfMessage {
  readonly stored: StoredMessage | StoredAlias | undefined;
  readonly record: MessageRecord | undefined;
  readonly progress: ExplanationDetail['groups'];
  readonly epoch: number;
  readonly nowMs: number;
}

function messageOf(location: MessageLocation, { stored, record, progress, epoch, nowMs }: ReadOfMessage): MessageFacts {
  const { position, sender, acceptedAtMs } = location;
  const row = stored === undefined || 'duplicateOf' in stored ? undefined : stored;
  // The row goes when the message's time is over, the record stays; of keys no row is kept.
  const kept = record ?? row;
  const expiresAtMs = kept?.ttlSeconds === undefined ? undefined : acceptedAtMs + kept.ttlSeconds * 1_000;
  const routedTo = progress.find(({ group }) => group === 'delivery-router')?.committed ?? 0;
  return {
    ...{ position, sender, acceptedAtMs, expiresAtMs, nowMs },
    kind: kept?.kind ?? 'keys',
    withheld: kept?.withheld === true,
    recorded: record !== undefined,
    // Another epoch begins when every group is at the end of the one before.
    routed: epochOf(position) < epoch || routedTo > offsetOf(position),
  };
}

function devicesOf({ envelopes, recipients = [] }: MessageRecord): readonly DeviceAddress[] {
  return [...envelopes.map(({ to }) => to), ...recipients];
}

function detailOf(explained: ExplainedDevice, session: DeviceSession | undefined): ExplanationDetail['accounts'][number]['devices'][number] {
  const { device, outcome, createdAtMs, revokedAtMs, joinedAtMs, queuedAtMs, delivered, read } = explained;
  return {
    ...{ deviceId: device.deviceId, ...outcome, createdAtMs },
    ...(revokedAtMs === undefined ? {} : { revokedAtMs }),
    ...(joinedAtMs === undefined ? {} : { joinedAtMs }),
    ...(queuedAtMs === undefined ? {} : { queuedAtMs }),
    ...(delivered === undefined ? {} : { deliveredPosition: delivered }),
    ...(read === undefined ? {} : { readPosition: read }),
    ...(session === undefined ? {} : { session: { gatewayId: session.gatewayId, sessionEpoch: session.sessionEpoch } }),
  };
}
