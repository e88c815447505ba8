import type { DrainOutcome, DrainRequest, DrainResult } from '../core/drain-plan.js';
import type { Clock } from '../ports/clock.js';
import type { DrainPageAnswer, GatewayConnection, GatewayLink, SessionRef } from '../ports/gateway-link.js';
import type { History } from '../ports/history.js';
import type { Inbox } from '../ports/inbox.js';
import type { ConversationId } from '../protocol/ids.js';
import type { DrainEvents } from '../telemetry/drain-events.js';
import { composePage, type ComposedPage, type HistoryPassed, type LostMessages } from './drain-page.js';

export interface InboxDrainDependencies {
  readonly inbox: Pick<Inbox, 'read' | 'remove'>;
  readonly history: History;
  readonly historyPassed: HistoryPassed;
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
      if (this.#spent()) return this.rows > 0 ? 'unfinished' : 'waiting';
      const ended = await this.#step();
      if (ended !== undefined) return ended;
      this.#context.beat();
    }
  }

  /** One page, or what an empty read leads to. */
  async #step(): Promise<DrainOutcome | undefined> {
    const page = await this.#dependencies.inbox.read(this.#request.device, { ...pageLimit, afterConversation: this.#after });
    this.#context.beat();
    if (page.rows.length === 0) return this.#after === undefined ? this.#finish() : this.#waitForBodies();
    const composed = await composePage({ ...this.#dependencies, nowMs: () => this.#dependencies.clock.nowMs() }, page.rows);
    const short = !page.more && this.#after === undefined && composed.held === undefined && !composed.cut;
    const answer = await this.#deliver(composed, short);
    if (answer !== 'acked') return answer;
    if (composed.held !== undefined) this.#after = composed.held;
    return undefined;
  }

  async #deliver(composed: ComposedPage, short: boolean): Promise<DrainPageAnswer> {
    for (const lost of composed.lost) this.#announce(lost);
    if (composed.items.length > 0) {
      const ticket = { ...this.#request, sub: this.#sub };
      const answer = await this.#abortable(this.#context.connection.drainPage(ticket, { items: composed.items, short }));
      if (answer !== 'acked') return answer;
    }
    if (composed.ranges.length > 0) await this.#remove(composed);
    return 'acked';
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

  #announce({ conversationId, from, to, messageIds }: LostMessages): void {
    this.#dependencies.events.messagesGone(this.#request.device, { conversationId, count: messageIds.length });
    this.#context.connection.signal([this.#session], { type: 'gap', conversationId, reason: 'expired', from, to, messageIds: [...messageIds] });
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
