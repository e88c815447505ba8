import type { DrainOutcome, DrainRequest, DrainResult } from '../core/drain-plan.js';
import { isSamePlace, type InboxPlace } from '../core/suspicion.js';
import type { Clock } from '../ports/clock.js';
import type { EventLog } from '../ports/event-log.js';
import type { DrainPageAnswer, GatewayConnection, GatewayLink, SessionRef } from '../ports/gateway-link.js';
import type { History } from '../ports/history.js';
import type { Inbox, InboxPage } from '../ports/inbox.js';
import type { Quarantine } from '../ports/quarantine.js';
import type { ExceptChange } from '../protocol/except.js';
import type { ConversationId, DeviceAddress } from '../protocol/ids.js';
import { receiptEntry, type ReceiptRecord } from '../protocol/log-records.js';
import type { DeliverItem } from '../protocol/server-frames.js';
import type { DrainEvents } from '../telemetry/drain-events.js';
import type { StoreGate } from './store-gate.js';
import { composePage, type ComposedPage, type HistoryPassed, type LostMessages } from './drain-page.js';

export interface InboxDrainDependencies {
  readonly inbox: Pick<Inbox, 'read' | 'remove'>;
  readonly quarantine: Pick<Quarantine, 'suspect' | 'forget'>;
  readonly eventLog: Pick<EventLog, 'append'>;
  readonly history: History;
  readonly historyPassed: HistoryPassed;
  /** One for all drains of a process. */
  readonly stores: StoreGate;
  readonly link: GatewayLink;
  readonly clock: Clock;
  readonly events: DrainEvents;
}

export interface DrainTarget {
  readonly gatewayId: string;
  readonly request: DrainRequest;
}

const pageLimit = { maxRows: 64, maxBytes: 128 * 1024 };
/** What one attempt may take before others get their turn. */
const maxAttemptMs = 10_000;
const maxAttemptRows = 1_000;
/** Less than the session waits for a sign of its drain. */
const maxWaitForStoresMs = 5_000;
const unleasedPauseMs = 3_000;
const firstBodyPauseMs = 100;
const maxBodyPauseMs = 2_000;
const removalPauseMs = 200;

/**
 * One attempt to drain the inbox of one device into its session. The inbox itself is the cursor: rows go when the device acked them, so an attempt
 * that dies is simply followed by another, and the session's token keeps two of them apart.
 *
 * `beat` is called at every sign of progress, at least every 6 s while the stores answer. Throws only the signal's reason; every other fault is the outcome `failed`.
 */
export async function drainDevice(
  dependencies: InboxDrainDependencies,
  target: DrainTarget,
  signal: AbortSignal,
  beat: () => void,
): Promise<DrainResult> {
  const { clock, events, link } = dependencies;
  const startedAtMs = clock.nowMs();
  const connection = link.to(target.gatewayId);
  const attempt = connection === undefined ? undefined : new DrainAttempt(dependencies, target.request, { connection, signal, beat });
  let outcome: DrainOutcome;
  try {
    outcome = attempt === undefined ? 'lost' : await attempt.run();
  } catch (error) {
    signal.throwIfAborted();
    events.attemptFailed(target.request.device, error);
    outcome = 'failed';
  }
  const result = { outcome, rows: attempt?.rows ?? 0 };
  events.attemptEnded(target.request.device, { ...result, tookMs: clock.nowMs() - startedAtMs });
  return result;
}

interface Delivery {
  readonly short: boolean;
  readonly suspects: InboxPage['suspects'];
}

interface AttemptContext {
  readonly connection: GatewayConnection;
  readonly signal: AbortSignal;
  readonly beat: () => void;
}

class DrainAttempt {
  readonly #dependencies: InboxDrainDependencies;
  readonly #request: DrainRequest;
  readonly #context: AttemptContext;
  readonly #deadlineMs: number;
  #sub = 0;
  #session: SessionRef;
  /** Set while a sweep over the inbox passes over conversations whose bodies lag. */
  #after: ConversationId | undefined;
  #bodyPauseMs = firstBodyPauseMs;
  #toldQuarantined = false;
  rows = 0;

  constructor(dependencies: InboxDrainDependencies, request: DrainRequest, context: AttemptContext) {
    this.#dependencies = dependencies;
    this.#request = request;
    this.#context = context;
    this.#session = { device: request.device, sessionEpoch: 0 };
    this.#deadlineMs = dependencies.clock.nowMs() + maxAttemptMs;
  }

  async run(): Promise<DrainOutcome> {
    const { device, token } = this.#request;
    const opened = await this.#abortable(this.#context.connection.openDrain(device, token));
    if (opened.outcome !== 'open') return opened.outcome;
    this.#sub = opened.sub;
    this.#session = { device, sessionEpoch: opened.sessionEpoch };
    for (;;) {
      this.#context.signal.throwIfAborted();
      if (this.#spent()) return this.#later();
      const ended = await this.#step();
      if (ended !== undefined) return ended;
      this.#context.beat();
    }
  }

  /** One page, or what an empty read leads to. */
  async #step(): Promise<DrainOutcome | undefined> {
    const read = await this.#dependencies.stores.through(() => this.#readPage(), maxWaitForStoresMs);
    if (read === undefined) return this.#later();
    const { page, composed } = read;
    this.#context.beat();
    await this.#tellQuarantined(page.suspects);
    if (page.rows.length === 0) return this.#after === undefined ? this.#finish() : this.#waitForBodies();
    const short = !page.more && this.#after === undefined && composed.held === undefined && !composed.cut;
    const answer = await this.#deliver(composed, { short, suspects: page.suspects });
    if (answer === 'stuck' || answer === 'stuck-alone') return this.#suspect(composed.items, answer === 'stuck-alone');
    if (answer !== 'acked') return answer;
    if (composed.held !== undefined) this.#after = composed.held;
    return undefined;
  }

  async #readPage() {
    const { inbox, clock } = this.#dependencies;
    this.#context.signal.throwIfAborted();
    const page = untilSuspect(await inbox.read(this.#request.device, { ...pageLimit, afterConversation: this.#after }));
    return { page, composed: await composePage({ ...this.#dependencies, nowMs: () => clock.nowMs() }, page) };
  }

  /** Others have their turn now. */
  #later(): DrainOutcome {
    return this.rows > 0 ? 'unfinished' : 'waiting';
  }

  async #deliver(composed: ComposedPage, { short, suspects }: Delivery): Promise<DrainPageAnswer> {
    for (const lost of composed.lost) {
      this.#dependencies.events.messagesGone(this.#request.device, { conversationId: lost.conversationId, count: lost.messageIds.length });
      this.#announce('expired', lost);
    }
    if (composed.items.length > 0) {
      const ticket = { ...this.#request, sub: this.#sub };
      const answer = await this.#abortable(this.#context.connection.drainPage(ticket, { items: composed.items, short }));
      if (answer !== 'acked') return answer;
    }
    const released = composed.items.filter((item) => suspects.some((suspect) => suspect.state === 'released' && isSamePlace(suspect, item)));
    await this.#recordReceipts(released.map((item) => ({ item, sender: item.sender, change: { arrived: [item.position] } })));
    if (composed.ranges.length > 0) await this.#remove(composed);
    for (const item of released) await this.#dependencies.quarantine.forget(this.#request.device, item);
    return 'acked';
  }

  /**
   * On every connection: the one on which it was found was that of a device that did not listen.
   * Its sender is told before anything behind it is delivered: the watermark passes over it then.
   */
  async #tellQuarantined(suspects: InboxPage['suspects']): Promise<void> {
    if (this.#toldQuarantined) return;
    const quarantined = suspects.filter(({ state }) => state === 'quarantined');
    if (quarantined.length > 0) {
      const found = await this.#dependencies.history.find(quarantined.map(({ messageId }) => messageId));
      const changes = quarantined.map((item, index) => ({ item, sender: found[index]?.sender, change: { except: [item.position] } }));
      await this.#recordReceipts(changes);
    }
    for (const { conversationId, position, messageId } of quarantined) {
      this.#announce('quarantined', { conversationId, from: position, to: position, messageIds: [messageId] });
    }
    this.#toldQuarantined = true;
  }

  /** Nobody gets receipts for what its own account sent. */
  async #recordReceipts(
    changes: readonly { readonly item: InboxPlace; readonly sender: DeviceAddress | undefined; readonly change: ExceptChange }[],
  ) {
    const { device } = this.#request;
    const records = changes.flatMap(({ item: { conversationId }, sender, change }): ReceiptRecord[] =>
      sender === undefined || sender.accountId === device.accountId ? [] : [{ conversationId, ...device, ...change, notify: [sender.accountId] }],
    );
    if (records.length > 0) await this.#dependencies.eventLog.append('receipts', records.map(receiptEntry));
  }

  /** It answers, and acks nothing: the next connection gets these items one at a time. */
  async #suspect(items: readonly DeliverItem[], alone: boolean): Promise<DrainOutcome> {
    const { quarantine, clock, events } = this.#dependencies;
    const { device, token } = this.#request;
    const unacked = { connection: this.#session.sessionEpoch, nowMs: clock.nowMs(), alone };
    const quarantined = await quarantine.suspect(device, items, unacked);
    events.itemsSuspected(device, { count: items.length, quarantined: quarantined ? items[0]?.messageId : undefined });
    await this.#abortable(this.#context.connection.giveUpDrain(device, token));
    return 'gone';
  }

  /** The device has the rows: a store that is away for a moment must not make duplicates of them. */
  async #remove({ ranges, handledRows }: ComposedPage): Promise<void> {
    for (;;) {
      try {
        await this.#dependencies.inbox.remove(this.#request.device, ranges);
        break;
      } catch (error) {
        if (this.#spent()) throw error;
        await this.#pause(removalPauseMs);
      }
    }
    this.rows += handledRows;
    this.#bodyPauseMs = firstBodyPauseMs;
  }

  async #finish(): Promise<DrainOutcome | undefined> {
    const answer = await this.#abortable(this.#context.connection.finishDrain({ ...this.#request, sub: this.#sub }));
    if (answer === 'more') return undefined;
    if (answer !== 'unleased') return answer;
    await this.#pause(unleasedPauseMs);
    return undefined;
  }

  /** Everything that is left waits for the history-writer; the next sweep begins at the first row again. */
  async #waitForBodies(): Promise<undefined> {
    this.#after = undefined;
    await this.#pause(this.#bodyPauseMs);
    this.#bodyPauseMs = Math.min(maxBodyPauseMs, this.#bodyPauseMs * 2);
  }

  #announce(reason: 'expired' | 'quarantined', { conversationId, from, to, messageIds }: LostMessages): void {
    this.#context.connection.signal([this.#session], { type: 'gap', conversationId, reason, from, to, messageIds: [...messageIds] });
  }

  #spent(): boolean {
    return this.rows >= maxAttemptRows || this.#dependencies.clock.nowMs() >= this.#deadlineMs;
  }

  async #pause(ms: number): Promise<void> {
    await this.#dependencies.clock.sleep(ms, this.#context.signal);
    this.#context.beat();
  }

  /** The gateway answers in its own time (a page may take 5 s); a drain that is called off does not wait for it. */
  #abortable<T>(answer: Promise<T>): Promise<T> {
    const { signal } = this.#context;
    signal.throwIfAborted();
    return new Promise<T>((resolve, reject) => {
      const abort = () => {
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
      answer.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', abort);
      });
    });
  }
}

/** What is suspected goes alone. */
function untilSuspect({ rows, more, suspects }: InboxPage): InboxPage {
  if (suspects.length === 0) return { rows, more, suspects };
  const first = rows.findIndex((row) => suspects.some((suspect) => isSamePlace(suspect, row)));
  if (first === -1) return { rows, more, suspects };
  const alone = rows.slice(0, Math.max(1, first));
  return { rows: alone, more: more || alone.length < rows.length, suspects };
}
