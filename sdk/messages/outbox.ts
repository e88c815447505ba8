import { setTimeout as sleep } from 'node:timers/promises';

import { v7 } from 'uuid';

import { DomainError, type ErrorCode } from '../../protocol/errors.js';
import { isChannelId, type ConversationId, type DeviceAddress, type MessageId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { postOverheadBytes } from '../channels/post-seal.js';
import { sealBody } from '../encryption/body-seal.js';
import { encodeContent, isEffect, type Content, type Said } from '../encryption/content.js';
import { IdleWaiters } from '../idle-waiters.js';
import { SdkError } from '../sdk-error.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { Connection, Request } from '../transport/connection.js';
import { outboxTable, type OutboxMessage } from './message-tables.js';
import {
  behindAllPosts,
  dropPart,
  moveToConversation,
  moveToFailed,
  putKeys,
  putOutgoing,
  type Acceptance,
  type Outgoing,
  type SealedRow,
} from './outbox-rows.js';
import { afterFailure } from './outbox-rules.js';
import type { OutgoingSealer } from './outgoing-sealer.js';

export interface OutboxDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly sealer: OutgoingSealer;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** Something was added, accepted, or refused for good. */
  readonly onChange: (sent: Sent) => void;
  /** Sending waits: the peer's identity changed (SdkError `identity_changed`), or something is wrong that time alone does not mend. */
  readonly onHeld: (conversationId: ConversationId, error: unknown) => void;
}

export interface Sent {
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  readonly content: Content;
  /** Why the server will never take it. */
  readonly failure?: ErrorCode | undefined;
}

/** The message that was sent, or that something was done to. */
export function concernedBy({ messageId, content }: Sent): MessageId {
  return isEffect(content) ? content.messageId : messageId;
}

/**
 * Messages on their way to the server, one lane for each conversation. In a lane the next message is transmitted when the one before it was accepted: the server keeps the order of
 * what comes over one connection, but a message that it refuses for the moment (a rate, a full log) would be overtaken by those that are transmitted behind it.
 * A message is durable before `add` resolves, sealed in one transaction with the sessions that it advances, and resent with the same bytes.
 */
export class Outbox {
  readonly #dependencies: OutboxDependencies;
  readonly #lanes = new Map<ConversationId, Promise<void>>();
  readonly #closing = new AbortController();
  /** Ends pauses when there is a new connection. */
  #waking = new AbortController();
  #connection: Connection | undefined;
  #resumptions = 0;
  readonly #idleWaiters = new IdleWaiters();

  constructor(dependencies: OutboxDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves when a kill of the process cannot lose it. Throws DomainError `invalid_request`, `too_large`. */
  async add(conversationId: ConversationId, { content, ttlSeconds }: Said<Content>): Promise<Sent> {
    const { own, onChange } = this.#dependencies;
    const messageId = v7() as MessageId;
    const { body, key } = sealBody({ conversationId, messageId, sender: own }, encodeContent({ content, ttlSeconds }));
    const limit = limits.maxBodyBytes - (isChannelId(conversationId) ? postOverheadBytes : 0);
    if (body.byteLength > limit) throw new DomainError('too_large', `content: at most ${limit} bytes`, { detail: { field: 'content', limit } });
    const row: OutboxMessage = { kind: 'message', messageId, conversationId, content, body, key, ttlSeconds, attempt: 0 };
    await this.#commit((unit) => {
      putOutgoing(unit, row);
    });
    const sent = { conversationId, messageId, content };
    onChange(sent);
    this.#run(conversationId);
    return sent;
  }

  /** This device's sender key, for every device of a group that lacks it: somebody new can open what it seals, and the title, before it says anything. */
  async giveKeys(conversationId: ConversationId): Promise<void> {
    await this.#commit((unit) => {
      putKeys(unit, { conversationId });
    });
    this.#run(conversationId);
  }

  /** A connection is up: everything that is not accepted goes, again if need be. */
  connected(connection: Connection): void {
    this.#connection = connection;
    this.#waking.abort();
    this.#waking = new AbortController();
    this.resume();
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  /** Goes on where a lane waits for somebody. */
  resume(): void {
    this.#resumptions += 1;
    const conversations = new Set(this.#dependencies.store.range(outboxTable, []).map(({ key }) => key[0] as ConversationId));
    for (const conversationId of conversations) this.#run(conversationId);
  }

  /** Nothing waits to be accepted. Throws SdkError `closed`. */
  async idle(): Promise<void> {
    if (this.#closing.signal.aborted) throw new SdkError('closed', 'the device was closed');
    if (this.#isEmpty()) return;
    await this.#idleWaiters.wait();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#connection = undefined;
    await Promise.all(this.#lanes.values());
    this.#idleWaiters.closed();
  }

  #isEmpty(): boolean {
    return this.#dependencies.store.range(outboxTable, [], { limit: 1 }).length === 0;
  }

  #run(conversationId: ConversationId): void {
    if (this.#connection === undefined || this.#lanes.has(conversationId) || this.#closing.signal.aborted) return;
    const lane = this.#work(conversationId).then((end) => {
      this.#lanes.delete(conversationId);
      if (this.#closing.signal.aborted) return;
      if (this.#isEmpty()) this.#idleWaiters.idle();
      // What was added, or a connection that came, while the lane ended.
      else if (end === 'done' && this.#first(conversationId) !== undefined) this.#run(conversationId);
    });
    this.#lanes.set(conversationId, lane);
  }

  #first(conversationId: ConversationId, after?: number): Outgoing | undefined {
    const [first] = this.#dependencies.store.range(outboxTable, [conversationId], { after, limit: 1 });
    return first === undefined ? undefined : { number: first.key[1] as number, row: first.row };
  }

  /** `held`: goes on when somebody resumes it. */
  async #work(conversationId: ConversationId): Promise<'done' | 'held'> {
    let failures = 0;
    let heldAt: number | undefined;
    for (let connection = this.#connection; connection !== undefined; connection = this.#connection) {
      // A post that waits for its key does not hold up those that ask for it.
      const postsWait = heldAt === this.#resumptions;
      const next = this.#first(conversationId, postsWait ? behindAllPosts : undefined);
      if (next === undefined) return postsWait ? 'held' : 'done';
      const resumptions = this.#resumptions;
      try {
        await this.#transmit(connection, next, failures > 0);
        failures = 0;
      } catch (error) {
        const goesOn = await this.#recover(error, next, failures);
        failures += 1;
        if (goesOn || this.#resumptions !== resumptions) continue;
        if (postsWait || !isChannelId(conversationId)) return 'held';
        heldAt = resumptions;
        failures = 0;
      }
    }
    return 'done';
  }

  async #transmit(connection: Connection, outgoing: Outgoing, freshRoster: boolean): Promise<void> {
    const { sealer } = this.#dependencies;
    const { number } = outgoing;
    let row = await sealer.prepare(outgoing, { freshRoster });
    for (let [part] = row.parts ?? []; part !== undefined; [part] = row.parts ?? []) {
      const { conversationId, attempt, rosterDigest } = row;
      const keys: SealedRow = { kind: 'keys', conversationId, attempt, rosterDigest, ...part };
      await accepted(connection, sendOf(keys));
      row = await this.#commit((unit) => dropPart(unit, { number, row }));
    }
    if (row.kind === 'keys' && row.to === undefined && row.toAccount === undefined) await this.#forget({ number, row });
    else await this.#accepted({ number, row }, await accepted(connection, sendOf(row)));
  }

  /** `false`: it waits until somebody resumes it. */
  async #recover(error: unknown, outgoing: Outgoing, failures: number): Promise<boolean> {
    if (this.#closing.signal.aborted) return false;
    const { conversationId } = outgoing.row;
    const next = afterFailure(error, failures, Math.random());
    try {
      switch (next.step) {
        case 'again':
          await this.#pause(next.afterMs);
          return true;
        case 'seal-anew':
          await this.#pause(next.afterMs);
          await this.#dependencies.sealer.sealAnew(this.#first(conversationId) ?? outgoing, next.difference);
          return true;
        case 'fail':
          await this.#failed(outgoing, next.code);
          return true;
        case 'hold':
          this.#dependencies.onHeld(conversationId, error);
          return false;
      }
    } catch (anotherError) {
      // Sealing anew asks the server too. The message is as it was, and if it is sent again is refused with the same difference.
      return this.#recover(anotherError, outgoing, failures);
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: AbortSignal.any([this.#closing.signal, this.#waking.signal]) }).catch(() => undefined);
  }

  async #accepted(outgoing: Outgoing<SealedRow>, acceptance: Acceptance): Promise<void> {
    const { own, onChange } = this.#dependencies;
    const { row } = outgoing;
    await this.#commit((unit) => {
      moveToConversation(unit, outgoing, own, acceptance);
    });
    if (row.kind === 'message') onChange(row);
  }

  #forget({ number, row }: Outgoing): Promise<void> {
    return this.#commit((unit) => {
      unit.remove(outboxTable, row.conversationId, number);
    });
  }

  async #failed(outgoing: Outgoing, code: ErrorCode): Promise<void> {
    const { row } = outgoing;
    await this.#commit((unit) => {
      moveToFailed(unit, outgoing, code);
    });
    if (row.kind === 'message') this.#dependencies.onChange({ ...row, failure: code });
  }

  #commit<Result>(change: (unit: UnitOfWork) => Result): Promise<Result> {
    return changeInTurn(this.#dependencies, change);
  }
}

async function accepted(connection: Connection, request: Request): Promise<Extract<ServerFrame, { type: 'accepted' }>> {
  const reply = await connection.request(request);
  if (reply.type !== 'accepted') throw new SdkError('untrusted_server', 'a send was answered by something else than accepted');
  return reply;
}

function sendOf(row: SealedRow): Request {
  const { kind, messageId, conversationId, rosterDigest, attempt, envelopes, envelope } = row;
  return {
    type: 'send',
    ...{ messageId, conversationId, rosterDigest, kind, attempt },
    envelopes: [...envelopes],
    // A sender key goes to all whom it is for or to nobody: the message behind it counts on it.
    strategy: kind === 'keys' && (row.to !== undefined || isChannelId(conversationId)) ? 'partial' : 'strict',
    ...(kind === 'message' ? { body: row.post ?? row.body, envelope } : {}),
    ...(kind === 'message' && row.content.type === 'file' ? { media: [row.content.blobId] } : {}),
    ...(kind === 'message' && row.ttlSeconds !== undefined ? { ttlSeconds: row.ttlSeconds } : {}),
  };
}
