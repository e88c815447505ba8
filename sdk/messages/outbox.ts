import { setTimeout as sleep } from 'node:timers/promises';

import { v7 } from 'uuid';

import type { Envelope } from '../../protocol/client-frames.js';
import { DomainError, errorCodes, type ErrorCode } from '../../protocol/errors.js';
import { deviceKey, type ConversationId, type DeviceAddress, type MessageId } from '../../protocol/ids.js';
import { rosterDifference } from '../../protocol/server-frames.js';
import { envelopePlaintext, sealBody } from '../encryption/body-seal.js';
import { encodeContent, type Content } from '../encryption/content.js';
import { recipientsOf, type EnvelopeSealer, type Recipient } from '../encryption/envelope-sealer.js';
import { archiveSession } from '../encryption/sessions.js';
import { SdkError } from '../sdk-error.js';
import type { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { Connection, Reply } from '../transport/connection.js';
import type { ConversationDirectory } from './conversation-directory.js';
import type { Message } from './message.js';
import {
  contentKeyTable,
  failedTable,
  messageTable,
  outboxNumberTable,
  outboxTable,
  processedTable,
  type OutboxMessage,
  type OutboxRow,
} from './message-tables.js';

const retryAfterMs = 1_000;
const offlinePauseMs = 200;
/** What a `keys` message without keys says to the session. */
const emptyPlaintext = Uint8Array.of(1);

export interface OutboxDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly sealer: EnvelopeSealer;
  readonly conversations: ConversationDirectory;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  readonly onChange: (message: Message) => void;
  /** Sending waits: the peer's identity changed (SdkError `identity_changed`), or something is wrong that time alone does not mend. */
  readonly onHeld: (conversationId: ConversationId, error: unknown) => void;
}

/** What `Outbox.add` sends. */
export interface OutgoingContent {
  readonly content: Content;
  readonly ttlSeconds?: number | undefined;
}

interface Sealed {
  readonly number: number;
  readonly row: OutboxRow & { readonly envelopes: readonly Envelope[]; readonly rosterDigest: string };
}

/**
 * Messages on their way to the server, one lane for each conversation: the next is transmitted when the one before it was accepted, so what one writes keeps its order
 * whatever is refused or repeated. A message is durable before `add` resolves, sealed in one transaction with the sessions that it advances, and resent with the same bytes.
 */
export class Outbox {
  readonly #dependencies: OutboxDependencies;
  readonly #lanes = new Map<ConversationId, Promise<void>>();
  readonly #closing = new AbortController();
  #connection: Connection | undefined;
  readonly #emptied: (() => void)[] = [];

  constructor(dependencies: OutboxDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resolves when a kill of the process cannot lose it. */
  async add(conversationId: ConversationId, { content, ttlSeconds }: OutgoingContent): Promise<Message> {
    const { store, own, signal, onChange } = this.#dependencies;
    const messageId = v7() as MessageId;
    const { body, key } = sealBody({ conversationId, messageId, sender: own }, encodeContent(content));
    await signal.run(async () => {
      const unit = store.begin();
      putOutgoing(unit, { kind: 'message', messageId, conversationId, content, body, key, ttlSeconds, attempt: 0 });
      await unit.commit();
    });
    const message: Message = { conversationId, messageId, sender: own, content, state: 'pending' };
    onChange(message);
    this.#run(conversationId);
    return message;
  }

  /** A connection is up: everything that is not accepted goes, again if need be. */
  connected(connection: Connection): void {
    this.#connection = connection;
    this.resume();
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  /** Goes on where a lane waits for somebody. */
  resume(): void {
    const conversations = new Set(this.#dependencies.store.range(outboxTable, []).map(({ key }) => key[0] as ConversationId));
    for (const conversationId of conversations) this.#run(conversationId);
  }

  /** Nothing waits to be accepted. */
  async idle(): Promise<void> {
    if (this.#isEmpty()) return;
    await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#connection = undefined;
    await Promise.all(this.#lanes.values());
  }

  #isEmpty(): boolean {
    return this.#dependencies.store.range(outboxTable, [], { limit: 1 }).length === 0;
  }

  #run(conversationId: ConversationId): void {
    if (this.#connection === undefined || this.#lanes.has(conversationId) || this.#closing.signal.aborted) return;
    const lane = this.#work(conversationId).then((end) => {
      this.#lanes.delete(conversationId);
      if (this.#isEmpty()) for (const resolve of this.#emptied.splice(0)) resolve();
      // What was added, or a connection that came, while the lane ended.
      else if (end === 'done' && this.#first(conversationId) !== undefined) this.#run(conversationId);
    });
    this.#lanes.set(conversationId, lane);
  }

  #first(conversationId: ConversationId) {
    return this.#dependencies.store.range(outboxTable, [conversationId], { limit: 1 })[0];
  }

  /** `held`: goes on when somebody resumes it. */
  async #work(conversationId: ConversationId): Promise<'done' | 'held'> {
    for (let connection = this.#connection; connection !== undefined; connection = this.#connection) {
      const next = this.#first(conversationId);
      if (next === undefined) return 'done';
      try {
        await this.#transmit(connection, next.key[1] as number, next.row);
      } catch (error) {
        if (!(await this.#mayGoOn(error, next.key[1] as number, next.row))) return 'held';
      }
    }
    return 'done';
  }

  async #transmit(connection: Connection, number: number, row: OutboxRow): Promise<void> {
    const { row: sealed } = await this.#sealed(number, row);
    const { kind, messageId, conversationId, rosterDigest, attempt } = sealed;
    const reply = await connection.request({
      type: 'send',
      ...{ messageId, conversationId, rosterDigest, kind, attempt },
      envelopes: [...sealed.envelopes],
      strategy: kind === 'keys' ? 'partial' : 'strict',
      ...(sealed.kind === 'message' ? { body: sealed.body } : {}),
      ...(sealed.kind === 'message' && sealed.ttlSeconds !== undefined ? { ttlSeconds: sealed.ttlSeconds } : {}),
    });
    await this.#accepted(number, sealed, reply);
  }

  /** Sealed if it was not, and its attempt raised; both durable. */
  async #sealed(number: number, row: OutboxRow): Promise<Sealed> {
    const { store, own, conversations, signal } = this.#dependencies;
    const { conversationId, envelopes, rosterDigest } = row;
    if (envelopes !== undefined && rosterDigest !== undefined) {
      const again = { ...row, envelopes, rosterDigest, attempt: row.attempt + 1 };
      await signal.run(async () => {
        const unit = store.begin();
        unit.put(outboxTable, [conversationId, number], again);
        await unit.commit();
      });
      return { number, row: again };
    }
    const roster = await conversations.roster(conversationId, { fresh: false });
    const all = recipientsOf(roster.members, own);
    const recipients = row.kind === 'keys' ? all.filter((recipient) => deviceKey(recipient) === deviceKey(row.to)) : all;
    return this.#seal(number, row, { recipients, rosterDigest: roster.rosterDigest, kept: [] });
  }

  async #seal(
    number: number,
    row: OutboxRow,
    {
      recipients,
      rosterDigest,
      kept,
    }: { readonly recipients: readonly Recipient[]; readonly rosterDigest: string; readonly kept: readonly Envelope[] },
  ): Promise<Sealed> {
    const plaintext = row.kind === 'message' ? envelopePlaintext(row) : emptyPlaintext;
    let sealed: Sealed['row'] | undefined;
    await this.#dependencies.sealer.seal(recipients, plaintext, (unit, envelopes) => {
      sealed = { ...row, envelopes: [...kept, ...envelopes], rosterDigest, attempt: row.attempt + 1 };
      unit.put(outboxTable, [row.conversationId, number], sealed);
    });
    if (sealed === undefined) throw new Error('sealing kept nothing');
    return { number, row: sealed };
  }

  async #accepted(number: number, row: OutboxRow, reply: Reply): Promise<void> {
    if (reply.type !== 'accepted') throw new SdkError('untrusted_server', 'a send was answered by something else than accepted');
    const { store, own, signal, onChange } = this.#dependencies;
    const { conversationId, messageId } = row;
    const { position, acceptedAtMs } = reply;
    await signal.run(async () => {
      const unit = store.begin();
      unit.remove(outboxTable, conversationId, number);
      unit.put(processedTable, [messageId], position);
      if (row.kind === 'message') {
        unit.put(messageTable, [conversationId, position], { messageId, sender: own, acceptedAtMs, content: row.content });
        const { key, digest } = contentKeyOf(row);
        unit.put(contentKeyTable, [messageId], { key, digest });
      }
      await unit.commit();
    });
    if (row.kind === 'message') {
      onChange({ conversationId, messageId, position, acceptedAtMs, sender: own, content: row.content, state: 'accepted' });
    }
  }

  /** What a lane does after a failure; `false` ends it until somebody resumes it. */
  async #mayGoOn(error: unknown, number: number, row: OutboxRow): Promise<boolean> {
    if (this.#closing.signal.aborted) return false;
    if (error instanceof DomainError) return this.#refused(error, number, row);
    if (error instanceof SdkError && error.code === 'offline') {
      await this.#pause(offlinePauseMs);
      return true;
    }
    this.#dependencies.onHeld(row.conversationId, error);
    return false;
  }

  async #refused(error: DomainError, number: number, row: OutboxRow): Promise<boolean> {
    if (error.code === 'roster_mismatch') return this.#sealAnew(error, number, row);
    if (errorCodes[error.code].retryable) await this.#pause(error.retryAfterMs ?? retryAfterMs);
    else await this.#failed(error.code, number, row);
    return true;
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  /** The server named devices that have no fitting envelope, and such as have one and are gone. What fits keeps its bytes. */
  async #sealAnew(error: DomainError, number: number, row: OutboxRow): Promise<boolean> {
    const { store, own, conversations, signal } = this.#dependencies;
    const difference = rosterDifference.safeParse(error.detail);
    const current = store.get(outboxTable, row.conversationId, number);
    if (!difference.success || current === undefined) {
      await this.#failed(error.code, number, row);
      return true;
    }
    const { stale, missing, extra } = difference.data;
    const roster = await conversations.roster(row.conversationId, { fresh: true });
    await signal.run(async () => {
      const unit = store.begin();
      for (const device of stale) archiveSession(unit, device);
      await unit.commit();
    });
    const named = new Set([...stale, ...missing, ...extra].map(deviceKey));
    const kept = (current.envelopes ?? []).filter(({ to }) => !named.has(deviceKey(to)));
    const has = new Set(kept.map(({ to }) => deviceKey(to)));
    const recipients = recipientsOf(roster.members, own).filter((recipient) => !has.has(deviceKey(recipient)));
    try {
      await this.#seal(number, { ...current, attempt: Math.max(0, current.attempt - 1) }, { recipients, rosterDigest: roster.rosterDigest, kept });
      return true;
    } catch (failure) {
      return this.#mayGoOn(failure, number, current);
    }
  }

  async #failed(code: ErrorCode, number: number, row: OutboxRow): Promise<void> {
    const { store, own, signal, onChange } = this.#dependencies;
    const { conversationId, messageId } = row;
    await signal.run(async () => {
      const unit = store.begin();
      unit.remove(outboxTable, conversationId, number);
      if (row.kind === 'message') unit.put(failedTable, [conversationId, messageId], { content: row.content, code });
      await unit.commit();
    });
    if (row.kind === 'message') onChange({ conversationId, messageId, sender: own, content: row.content, state: 'failed', failure: code });
  }
}

/** Behind everything that was put before. For the device's serial queue. */
export function putOutgoing(unit: UnitOfWork, row: OutboxRow): void {
  const number = unit.get(outboxNumberTable, 'next') ?? 1;
  unit.put(outboxNumberTable, ['next'], number + 1);
  unit.put(outboxTable, [row.conversationId, number], row);
}

function contentKeyOf({ key, body }: OutboxMessage) {
  const plaintext = envelopePlaintext({ key, body });
  return { key, digest: plaintext.slice(-32) };
}
