import type { AccountId, ConversationId, DeviceAddress, DeviceId, Position } from '../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../protocol/server-frames.js';
import type { Content } from './encryption/content.js';
import { EnvelopeSealer } from './encryption/envelope-sealer.js';
import { approveIdentity, markVerified, safetyNumberOf, type SafetyNumber } from './encryption/identities.js';
import { keepPrekeys } from './encryption/prekey-keeper.js';
import type { DeviceEvents } from './device-events.js';
import { EventListeners } from './event-listeners.js';
import { ConversationDirectory } from './messages/conversation-directory.js';
import type { Conversation, Message, PeerReceipts } from './messages/message.js';
import { openHistory, type HistoryQuery } from './messages/open-history.js';
import { MessageArchive, type MessageQuery } from './messages/message-archive.js';
import { Outbox } from './messages/outbox.js';
import { receive, type Received } from './messages/receiver.js';
import { ReceiptBook } from './messages/receipt-book.js';
import type { RestClient } from './rest/rest-client.js';
import { SdkError } from './sdk-error.js';
import type { SerialQueue } from './serial-queue.js';
import type { DeviceStore } from './store/device-store.js';
import { table } from './store/table.js';
import type { UnitOfWork } from './store/unit-of-work.js';
import type { Connection, ConnectionConfig } from './transport/connection.js';
import { ConnectionKeeper } from './transport/connection-keeper.js';
import type { ConnectionStatus } from './transport/connection-status.js';
import type { ReconnectConfig } from './transport/reconnect-rules.js';
import type { TokenSource } from './transport/token-source.js';

/** Key: `number`. Raised at every connect: the highest connection of a device wins. */
const connectionTable = table<number>('connection');
const version = '0.1.0';

export interface DeviceDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly handle: string;
  readonly rest: RestClient;
  readonly tokens: TokenSource;
  readonly socketUrl: string;
  readonly deviceName: string;
  readonly reconnect: ReconnectConfig;
  readonly connection: ConnectionConfig;
  readonly signal: SerialQueue;
}

/** A device of an account: what people write with. Made by `openDevice`. */
export class Device {
  readonly #dependencies: DeviceDependencies;
  readonly #events = new EventListeners<DeviceEvents>();
  readonly #archive: MessageArchive;
  readonly #conversations: ConversationDirectory;
  readonly #outbox: Outbox;
  readonly #receipts: ReceiptBook;
  readonly #keeper: ConnectionKeeper;
  readonly #closing = new AbortController();
  #status: ConnectionStatus = { state: 'offline', reason: 'not connected yet', final: false };
  #running: Promise<void> | undefined;
  #delivered: { readonly connection: Connection; readonly seq: number; readonly items: readonly DeliverItem[] }[] = [];
  #receiving = false;

  constructor(dependencies: DeviceDependencies) {
    const { store, own, rest, tokens, socketUrl, deviceName, reconnect, connection, signal } = dependencies;
    this.#dependencies = dependencies;
    this.#archive = new MessageArchive(store, own);
    this.#conversations = new ConversationDirectory({ store, own, rest });
    const onIdentityChanged = (device: DeviceAddress) => {
      this.#events.emit('notice', { kind: 'identity-changed', accountId: device.accountId });
    };
    this.#outbox = new Outbox({
      ...{ store, own, signal },
      sealer: new EnvelopeSealer({ store, own, rest, signal, onIdentityChanged }),
      conversations: this.#conversations,
      onChange: (message) => {
        this.#events.emit('outgoing', message);
      },
      onHeld: (conversationId, error) => {
        this.#events.emit('notice', { kind: 'sending-held', conversationId, error });
      },
    });
    this.#receipts = new ReceiptBook({
      ...{ store, own },
      onReceipts: (conversationId) => {
        this.#events.emit('receipts', { conversationId, ...this.#archive.receipts(conversationId) });
      },
    });
    this.#keeper = new ConnectionKeeper({
      url: socketUrl,
      device: { name: deviceName, version },
      ...{ tokens, reconnect, connection },
      nextConnectionNumber: () => this.#nextConnectionNumber(),
      onStatus: (status) => {
        this.#turned(status);
      },
      onOpen: (opened) => {
        this.#opened(opened);
      },
      onFrame: (from, frame) => {
        this.#take(from, frame);
      },
    });
  }

  get accountId(): AccountId {
    return this.#dependencies.own.accountId;
  }

  get deviceId(): DeviceId {
    return this.#dependencies.own.deviceId;
  }

  get handle(): string {
    return this.#dependencies.handle;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** Keeps the device connected, with full-jitter backoff, until `close` or until the server ends it for good (event `stopped`). */
  connect(): void {
    this.#running ??= this.#keeper.run(this.#closing.signal).catch((error: unknown) => {
      this.#events.emit('stopped', { error });
    });
  }

  /** Ends the wait for the next try: the network is back, or somebody looks at the screen. */
  retryNow(): void {
    this.#keeper.retryNow();
  }

  /** Answers the call that ends it. */
  on<Name extends keyof DeviceEvents>(name: Name, listener: (event: DeviceEvents[Name]) => unknown): () => void {
    return this.#events.on(name, listener);
  }

  /** The conversation with somebody; known ones come without network. Throws DomainError `not_found`, SdkError `offline`. */
  conversationWith(handle: string): Promise<Conversation> {
    return this.#conversations.withHandle(handle);
  }

  conversations(): readonly Conversation[] {
    return this.#archive.conversations();
  }

  /** Resolves when the message is durable on this device; it is sent now, or when there is a connection. */
  send(conversationId: ConversationId, content: Content, { ttlSeconds }: { readonly ttlSeconds?: number } = {}): Promise<Message> {
    if (this.#closing.signal.aborted) return Promise.reject(new SdkError('closed', 'the device was closed'));
    return this.#outbox.add(conversationId, { content, ttlSeconds });
  }

  /** The device's own copy. */
  messages(conversationId: ConversationId, query: MessageQuery = {}): readonly Message[] {
    return this.#archive.messages(conversationId, query);
  }

  /** The server's history, opened with the keys that this device kept: newest first, at most 100. Throws SdkError `offline`. */
  history(conversationId: ConversationId, query: HistoryQuery = {}): Promise<readonly Message[]> {
    const { store, rest } = this.#dependencies;
    return openHistory({ store, rest }, conversationId, query);
  }

  /** Tells the peer, as far as its privacy wants it; without position up to the newest message. */
  markRead(conversationId: ConversationId, upTo?: Position): Promise<void> {
    return this.#receipts.markRead(conversationId, upTo);
  }

  receiptsOf(conversationId: ConversationId): PeerReceipts {
    return this.#archive.receipts(conversationId);
  }

  /** `undefined` before anything was sent or received. */
  safetyNumber(peer: AccountId): SafetyNumber | undefined {
    return safetyNumberOf(this.#dependencies.store, this.accountId, peer);
  }

  /** The user compared the safety number: from now on a change of the peer's key holds sending. */
  verify(peer: AccountId): Promise<void> {
    return this.#changeIdentity((unit) => {
      markVerified(unit, peer);
    });
  }

  /** The user accepts a changed key without comparing it: what was held goes on. */
  approve(peer: AccountId): Promise<void> {
    return this.#changeIdentity((unit) => {
      approveIdentity(unit, peer);
    });
  }

  /** Resolves when everything that was sent is accepted, or failed for good. */
  idle(): Promise<void> {
    return this.#outbox.idle();
  }

  /** Disconnects and closes the directory; what is not accepted waits in it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#outbox.close();
    await this.#dependencies.signal.idle();
    await this.#dependencies.store.close();
  }

  async #changeIdentity(change: (unit: UnitOfWork) => void): Promise<void> {
    const { store, signal } = this.#dependencies;
    await signal.run(async () => {
      const unit = store.begin();
      change(unit);
      await unit.commit();
    });
    this.#outbox.resume();
  }

  async #nextConnectionNumber(): Promise<number> {
    const { store } = this.#dependencies;
    const unit = store.begin();
    const number = (unit.get(connectionTable, 'number') ?? 0) + 1;
    unit.put(connectionTable, ['number'], number);
    await unit.commit();
    return number;
  }

  #turned(status: ConnectionStatus): void {
    this.#status = status;
    if (status.state === 'offline') {
      this.#outbox.disconnected();
      this.#receipts.disconnected();
    }
    this.#events.emit('status', status);
  }

  #opened(connection: Connection): void {
    const { store, rest, signal } = this.#dependencies;
    this.#outbox.connected(connection);
    this.#inBackground(this.#receipts.connected(connection));
    this.#inBackground(keepPrekeys({ store, rest, signal }, Date.now()));
  }

  #take(connection: Connection, frame: ServerFrame): void {
    if (frame.type === 'deliver') {
      this.#delivered.push({ connection, seq: frame.seq, items: frame.items });
      if (!this.#receiving) void this.#receiveAll();
    } else if (frame.type === 'receipts') this.#inBackground(this.#receipts.take(frame.items));
    else if (frame.type === 'gap') this.#events.emit('notice', { kind: 'gap', gap: frame });
  }

  /** Whatever waits goes into one transaction; then it is acked, then told. */
  async #receiveAll(): Promise<void> {
    const { store, own, signal } = this.#dependencies;
    this.#receiving = true;
    for (let frames = this.#delivered.splice(0); frames.length > 0; frames = this.#delivered.splice(0)) {
      const items = frames.flatMap((frame) => frame.items);
      const last = frames.at(-1);
      try {
        const received = await signal.run(() => receive(store, own, items));
        last?.connection.ack(last.seq);
        await this.#tell(received);
      } catch (error) {
        // Not kept, so not acked: the server sends it again on the next connection.
        this.#events.emit('notice', { kind: 'not-stored', error });
        this.#delivered = [];
        void last?.connection.close();
      }
    }
    this.#receiving = false;
  }

  async #tell({ messages, identityChanged, undecryptable, answers }: Received): Promise<void> {
    if (answers) this.#outbox.resume();
    for (const { accountId } of identityChanged) this.#events.emit('notice', { kind: 'identity-changed', accountId });
    for (const { message, reason } of undecryptable) this.#events.emit('notice', { kind: 'undecryptable', message, reason });
    for (const message of messages) {
      const conversation = await this.#conversations.ofIncoming(message.conversationId);
      this.#events.emit('message', { ...message, conversation });
    }
  }

  /** Fails without harm: the next connection does it again. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (error instanceof SdkError && error.code === 'offline') return;
      if (!this.#closing.signal.aborted) this.#events.emit('notice', { kind: 'background-failed', error });
    });
  }
}
