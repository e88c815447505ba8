/* eslint-disable max-lines -- one state machine, whose transitions must be read together */
import type { DrainPage, DrainPageAnswer, FinishDrainAnswer, GiveUpDrainAnswer, OpenDrainAnswer } from '../../ports/gateway-link.js';
import type { CloseReason } from '../../protocol/close-codes.js';
import type { DeviceAddress, MessageId } from '../../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../../protocol/server-frames.js';
import type { DrainCause, HostedSession, OfferedPush, SessionContext, SessionSocket } from './session-context.js';
import { StreamNumbers } from './stream-numbers.js';

export type SessionState = 'opening' | 'draining' | 'live' | 'closed';

interface OpenPush extends OfferedPush {
  readonly seq: number;
  readonly bytes: number;
  readonly sentAtMs: number;
}

interface OpenPage {
  readonly seq: number;
  readonly items: readonly DeliverItem[];
  readonly sentAtMs: number;
  readonly answer: (answer: DrainPageAnswer) => void;
}

/**
 * One device's session: `opening -> draining <-> live -> closed`. The rules are numbered as in docs/delivery.md.
 *
 * opening: registering and looking whether the inbox holds anything. Answers `refused`, never `gone`.
 * draining: the inbox is read to the device, by a workflow or by this process; pushes are refused, or held once a page was short (rule 4).
 * live: pushes go to the device. Leaves on ack time-out, overflow, a slow socket, a nudge, or when registration is in doubt (rule 5).
 * closed: every open push was answered `gone`.
 */
export class Session implements HostedSession {
  readonly device: DeviceAddress;
  /** The device's own connection number. */
  readonly sessionEpoch: number;
  /** Whether the registry is known to hold this session's entry. */
  registered = false;

  readonly #socket: SessionSocket;
  readonly #context: SessionContext;
  #state: SessionState = 'opening';
  #seq = 0;
  #open: OpenPush[] | undefined;
  #openBytes = 0;
  /** Acked by the device, waiting for their receipt record. */
  #settling = 0;
  readonly #streams = new StreamNumbers();
  #drain: Drain | undefined;
  /** Raised for every drain and at the turn to live: what carries an older token is void. */
  #token = 0;
  /** What the device did not ack yet, while it leaves pages un-acked: the one item, or `many`. */
  #unacked: MessageId | 'many' | undefined;
  #ackedSeq = 0;
  /** Since a page was left un-acked: whether the device was heard. */
  #answered: boolean | undefined;
  /** The last read of the inbox may have missed rows: a nudge came since it began, or the claim before it is void. */
  #dirty = false;

  constructor(device: DeviceAddress, sessionEpoch: number, socket: SessionSocket, context: SessionContext) {
    this.device = device;
    this.sessionEpoch = sessionEpoch;
    this.#socket = socket;
    this.#context = context;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Its inbox is being read to it, and it listens. */
  get isDraining(): boolean {
    return this.#drain?.parked === false;
  }

  send(frame: ServerFrame): void {
    if (this.#state !== 'closed') this.#socket.send(frame);
  }

  /** Ends `opening`. `inboxEmpty` was read after the claim; a nudge or a lapse since then counts as not empty. */
  opened(inboxEmpty: boolean, welcome: (inbox: 'empty' | 'draining') => ServerFrame): void {
    if (this.#state !== 'opening') return;
    const live = inboxEmpty && !this.#dirty && this.registered && this.#context.leaseHeld();
    this.#socket.send(welcome(live ? 'empty' : 'draining'));
    if (live) this.#state = 'live';
    else this.#turnDraining('inbox');
  }

  /** A push from a router. Answered at once when it is not taken, else by the device's ack. */
  push(push: OfferedPush, stream: number): void {
    const { answer, index } = push;
    if (this.#state === 'closed') return answer(index, 'gone');
    if (this.#streams.of(push) !== stream) return answer(index, 'refused');
    if (this.#state === 'live') return this.#pushLive(push);
    if (this.#drain !== undefined && this.#hold(this.#drain, push)) return undefined;
    this.#refuseHeld();
    return this.#refuse(push);
  }

  /** Rows were put into the inbox while this session was, or seemed to be, here. Answers the present stream number (rule 3). */
  nudge(linkId: string, partition: number): number {
    this.inboxChanged();
    return this.#streams.of({ linkId, partition });
  }

  /** What was read of the inbox before may not be all. */
  inboxChanged(): void {
    this.#dirty = true;
    if (this.#state === 'live') this.#turnDraining('nudge');
    else if (this.#state === 'draining') this.#wakeParked();
  }

  /** The link broke: its stream numbers start again from 0, and what it offered is answered to nobody. */
  linkLost(linkId: string): void {
    if (this.#drain?.held !== undefined) {
      this.#drain.held = this.#drain.held.filter((push) => push.linkId !== linkId);
      this.#drain.heldBytes = this.#drain.held.reduce((sum, { item }) => sum + itemBytes(item), 0);
    }
    this.#streams.forget(linkId);
  }

  /** The device stored everything up to `seq`. `false`: that was never sent. */
  ack(seq: number): boolean {
    if (seq > this.#seq) return false;
    this.#ackedSeq = Math.max(this.#ackedSeq, seq);
    this.#answered = undefined;
    this.#ackPushes(seq);
    const page = this.#drain?.page;
    if (page !== undefined && page.seq <= seq && this.#drain !== undefined) {
      this.#drain.page = undefined;
      this.#drain.drained += page.items.length;
      this.#settle(page.items, (durable) => {
        page.answer(durable ? 'acked' : 'gone');
      });
    }
    this.heard();
    return true;
  }

  /** Any frame of the device: a parked drain goes on (rule 7). */
  heard(): void {
    if (this.#answered === false) this.#answered = true;
    if (this.#state === 'draining') this.#wakeParked();
  }

  openDrain(token: number): OpenDrainAnswer {
    const drain = this.#drain;
    if (this.#state === 'closed') return { outcome: 'gone' };
    if (drain === undefined || token !== this.#token) return { outcome: 'superseded' };
    drain.heardAtMs = this.#context.nowMs();
    drain.begun = true;
    this.#dirty = false;
    this.#supersedePage(drain);
    drain.sub += 1;
    return { outcome: 'open', sub: drain.sub, sessionEpoch: this.sessionEpoch };
  }

  /** One page of the inbox; resolves when the device acked it, or with why not. */
  drainPage(token: number, sub: number, page: DrainPage): Promise<DrainPageAnswer> {
    if (this.#state === 'closed') return Promise.resolve('gone');
    const drain = this.#presentDrain(token, sub);
    if (drain === undefined) return Promise.resolve('superseded');
    this.#supersedePage(drain);
    if (page.short) drain.held ??= [];
    return new Promise((answer) => {
      this.#sending(page.items.length === 1 ? page.items[0]?.messageId : undefined);
      drain.page = { seq: ++this.#seq, items: page.items, sentAtMs: drain.heardAtMs, answer };
      this.#socket.send({ type: 'deliver', seq: this.#seq, items: [...page.items] });
      this.#context.watch(this);
    });
  }

  /** The inbox was read empty. */
  finishDrain(token: number, sub: number): FinishDrainAnswer {
    if (this.#state === 'closed') return 'gone';
    const drain = this.#presentDrain(token, sub);
    if (drain === undefined) return 'superseded';
    if (this.#dirty) {
      this.#dirty = false;
      return 'more';
    }
    if (!this.registered || !this.#context.leaseHeld()) return 'unleased';
    this.#turnLive(drain);
    return 'live';
  }

  /** All rounds of a drain failed (rule 7): the device's reconnect is the retry. */
  giveUpDrain(token: number): GiveUpDrainAnswer {
    if (this.#state === 'closed') return 'gone';
    if (this.#drain === undefined || token !== this.#token) return 'superseded';
    this.close('internal');
    return 'closed';
  }

  /**
   * Registration is in doubt (rule 5): whatever was pushed and not acked is refused, and nothing is taken until the inbox was read again:
   * now, or, if it registers at once, after `reRegistered`.
   */
  lapse(drain: 'now' | 'once-registered'): void {
    this.registered = false;
    if (this.#state === 'opening') this.#dirty = true;
    if (this.#state !== 'live' && this.#state !== 'draining') return;
    this.#refuseOpen();
    if (drain === 'now') this.#turnDraining('lapse');
    else this.#enterDraining('lapse');
  }

  /** The registry took the entry anew after a lapse: what was written while it was away is read now. */
  reRegistered(): void {
    this.registered = true;
    if (this.#state === 'draining') this.#startDrain();
  }

  close(reason: CloseReason): void {
    if (this.#state === 'closed') return;
    const drained = this.#state === 'live';
    this.#state = 'closed';
    for (const { answer, index } of this.#open ?? []) answer(index, 'gone');
    for (const { answer, index } of this.#drain?.held ?? []) answer(index, 'gone');
    this.#drain?.page?.answer('gone');
    this.#open = undefined;
    this.#drain = undefined;
    this.#context.closed(this, reason, drained);
    this.#socket.close(reason);
  }

  /** Time passed. `false`: nothing here can time out any more. */
  tick(nowMs: number): boolean {
    if (this.#state === 'closed') return false;
    const { limits } = this.#context;
    const oldest = this.#open?.[0];
    if (oldest !== undefined && nowMs - oldest.sentAtMs >= limits.ackTimeoutMs) {
      this.#refuseOpen();
      this.#turnDraining('ack-timeout');
    }
    if (this.#drain !== undefined) this.#tickDrain(this.#drain, nowMs);
    return this.#drain !== undefined || (this.#open?.length ?? 0) > 0;
  }

  #tickDrain(drain: Drain, nowMs: number): void {
    const { limits } = this.#context;
    if (drain.page !== undefined && nowMs - drain.page.sentAtMs >= limits.ackTimeoutMs) {
      const { answer } = drain.page;
      drain.page = undefined;
      drain.parked = true;
      drain.heardAtMs = nowMs;
      const isStuck = this.#answered === true;
      this.#answered ??= false;
      if (isStuck) answer(this.#unacked === 'many' ? 'stuck' : 'stuck-alone');
      else answer('parked');
      return;
    }
    const silenceMs = !drain.begun && this.#context.workflowsAreAway() ? limits.drainSilenceWhenAwayMs : limits.drainSilenceMs;
    if (!drain.parked && nowMs - drain.heardAtMs >= silenceMs) {
      this.#newDrain(drain.drained);
      this.#context.drainLocally(this.device, this.#token);
    }
  }

  #pushLive(push: OfferedPush): void {
    const { limits } = this.#context;
    const bytes = itemBytes(push.item);
    const items = (this.#open?.length ?? 0) + this.#settling;
    if (items >= limits.windowItems || this.#openBytes + bytes > limits.windowBytes) return this.#turnFrom(push, 'overflow');
    if (this.#socket.bufferedBytes() > limits.maxBufferedBytes) return this.#turnFrom(push, 'slow-socket');
    this.#open ??= [];
    this.#sending(push.item.messageId);
    this.#open.push({ ...push, seq: ++this.#seq, bytes, sentAtMs: this.#context.nowMs() });
    this.#openBytes += bytes;
    this.#socket.send({ type: 'deliver', seq: this.#seq, items: [push.item] });
    if (this.#open.length === 1) this.#context.watch(this);
  }

  /** Before what is sent has its number. `only`: the one item that it is. */
  #sending(only: MessageId | undefined): void {
    const isAlone = this.#ackedSeq === this.#seq || this.#unacked === only;
    this.#unacked = isAlone && only !== undefined ? only : 'many';
  }

  /** As much as the window takes at the turn to live. */
  #hold(drain: Drain, push: OfferedPush): boolean {
    const { windowItems, windowBytes } = this.#context.limits;
    const bytes = itemBytes(push.item);
    if (drain.held === undefined || drain.held.length >= windowItems || drain.heldBytes + bytes > windowBytes) return false;
    drain.held.push(push);
    drain.heldBytes += bytes;
    return true;
  }

  #turnFrom(push: OfferedPush, why: DrainCause): void {
    this.#refuseOpen();
    this.#turnDraining(why);
    this.#refuse(push);
  }

  #ackPushes(seq: number): void {
    const open = this.#open;
    if (open === undefined || open.length === 0) return;
    let count = 0;
    while (count < open.length && (open[count]?.seq ?? Infinity) <= seq) count += 1;
    if (count === 0) return;
    const acked = open.splice(0, count);
    for (const { bytes } of acked) this.#openBytes -= bytes;
    this.#settling += count;
    this.#settle(
      acked.map(({ item }) => item),
      (durable) => {
        this.#settling -= count;
        for (const { answer, index } of acked) answer(index, durable ? 'delivered' : 'gone');
      },
    );
  }

  /** Goes on once the receipts are durable, or with `false` when the gateway closes before that. */
  #settle(items: readonly DeliverItem[], then: (durable: boolean) => void): void {
    this.#context.recordDelivered(this.device, items).then(
      () => {
        then(true);
      },
      () => {
        then(false);
      },
    );
  }

  #turnDraining(why: DrainCause): void {
    this.#enterDraining(why);
    this.#context.requestDrain(this.device, this.#token);
  }

  #enterDraining(why: DrainCause): void {
    this.#state = 'draining';
    this.#context.turned(this.device, why);
    this.#newDrain(this.#drain?.drained ?? 0);
    this.#context.watch(this);
  }

  #startDrain(): void {
    this.#newDrain(this.#drain?.drained ?? 0);
    this.#context.requestDrain(this.device, this.#token);
  }

  /** A new token: attempts with older ones are superseded, held pushes refused. */
  #newDrain(drained: number): void {
    this.#refuseHeld();
    if (this.#drain !== undefined) this.#supersedePage(this.#drain);
    this.#token += 1;
    this.#dirty = false;
    this.#drain = { heardAtMs: this.#context.nowMs(), begun: false, sub: 0, parked: false, drained, page: undefined, held: undefined, heldBytes: 0 };
  }

  #presentDrain(token: number, sub: number): Drain | undefined {
    const drain = this.#drain;
    if (drain === undefined || token !== this.#token || sub !== drain.sub) return undefined;
    drain.heardAtMs = this.#context.nowMs();
    return drain;
  }

  #supersedePage(drain: Drain): void {
    drain.page?.answer('superseded');
    drain.page = undefined;
  }

  #wakeParked(): void {
    if (this.#drain?.parked === true) this.#startDrain();
  }

  #turnLive(drain: Drain): void {
    this.#state = 'live';
    this.#token += 1;
    this.#drain = undefined;
    this.#socket.send({ type: 'inbox.empty', drained: drain.drained });
    for (const push of drain.held ?? []) {
      if (this.state === 'live') this.#pushLive(push);
      else this.#refuse(push);
    }
  }

  /** Refusing a current number raises it, so that what was sent behind the refused push is refused too (rule 3). */
  #refuse(push: OfferedPush): void {
    this.#streams.raise(push);
    push.answer(push.index, 'refused');
  }

  #refuseOpen(): void {
    const open = this.#open ?? [];
    this.#open = undefined;
    this.#openBytes = 0;
    for (const push of open) this.#refuse(push);
  }

  #refuseHeld(): void {
    const held = this.#drain?.held ?? [];
    if (this.#drain !== undefined) {
      this.#drain.held = undefined;
      this.#drain.heldBytes = 0;
    }
    for (const push of held) this.#refuse(push);
  }
}

/** What only a draining session carries. */
interface Drain {
  heardAtMs: number;
  begun: boolean;
  sub: number;
  /** A page was not acked in time: waits for the device's next frame or a nudge. */
  parked: boolean;
  drained: number;
  page: OpenPage | undefined;
  /** Pushes held since a page was short; `undefined` while pushes are refused. */
  held: OfferedPush[] | undefined;
  heldBytes: number;
}

function itemBytes(item: DeliverItem): number {
  return (item.body?.byteLength ?? 0) + (item.envelope?.content.byteLength ?? 0) + 160;
}
