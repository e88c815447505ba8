/* eslint-disable max-lines -- everything that one does with a device, each a call to the part that does it */
import { DomainError } from '../protocol/errors.js';
import { isChannelId, type AccountId, type ConversationId, type DeviceId, type MessageId, type Position, type RemovalId } from '../protocol/ids.js';
import type { Explanation } from '../protocol/rest/explanation.js';
import type { PrivacySettings } from '../protocol/rest/privacy.js';
import type { Removal } from '../protocol/rest/removal.js';
import type { ServerFrame } from '../protocol/server-frames.js';
import { Background } from './background.js';
import type { DeviceDependencies } from './device-dependencies.js';
import type { DeviceEvents } from './device-events.js';
import { DeviceTeller } from './device-teller.js';
import { ChannelKeys } from './channels/channel-keys.js';
import { ChannelPuller } from './channels/channel-puller.js';
import { Channels } from './channels/channels.js';
import type { Content } from './encryption/content.js';
import { approveIdentity, markVerified, safetyNumberOf, type SafetyNumber } from './encryption/identities.js';
import { PrekeyKeeper } from './encryption/prekey-keeper.js';
import { FileReports } from './files/file-reports.js';
import { Files, type FileContent } from './files/files.js';
import { Groups } from './groups/groups.js';
import { HistoryTransfer } from './history/history-transfer.js';
import { introduce } from './linking/introduction.js';
import { OwnDevices } from './linking/own-devices.js';
import { Arrivals } from './messages/arrivals.js';
import { ConversationDirectory } from './messages/conversation-directory.js';
import { Expiry } from './messages/expiry.js';
import { GapBook } from './messages/gap-book.js';
import type { MessagePlace } from './messages/keep-content.js';
import type { Conversation, Gap, Message, PeerReceipts } from './messages/message.js';
import { MessageArchive, type MessageQuery } from './messages/message-archive.js';
import { openHistory, type HistoryQuery } from './messages/open-history.js';
import { createOutbox } from './messages/create-outbox.js';
import { concernedBy, type Outbox, type Sent } from './messages/outbox.js';
import { outgoingOf } from './messages/outgoing-rules.js';
import { ReceiptBook } from './messages/receipt-book.js';
import { Recovery } from './messages/recovery.js';
import type { Received } from './messages/receiver.js';
import { TypingBook, type TypingState } from './presence/typing-book.js';
import { WatchList, type PresenceNews } from './presence/watch-list.js';
import { Push } from './push.js';
import { SdkError } from './sdk-error.js';
import { changeInTurn } from './store/change-in-turn.js';
import type { UnitOfWork } from './store/unit-of-work.js';
import type { Connection } from './transport/connection.js';
import { ConnectionKeeper } from './transport/connection-keeper.js';
import { nextConnectionNumber } from './transport/connection-number.js';
import type { ConnectionStatus } from './transport/connection-status.js';
import { untilDone } from './until-done.js';

const version = '0.1.0';

/**
 * A device of an account: what people write with. Made by `openDevice`.
 * A kill of the process at any moment loses nothing that a promise here resolved for, and nothing that was acked to the server. A loss of power may take the last moments, as the disk writes
 * behind; sessions that fall back by it are replaced when the next message does not open.
 */
export class Device {
  /** Makes groups and changes them; messages go to them like to anybody. */
  readonly groups: Groups;
  /** Makes channels, joins and changes them; posts go to them and come from them like to and from anybody. */
  readonly channels: Channels;
  /** Sends files, and saves those that came. */
  readonly files: Files;
  /** The account's devices: links another one, and removes one. */
  readonly devices: OwnDevices;
  /** Lets the server wake this device while it is away. */
  readonly push: Push;
  readonly #dependencies: DeviceDependencies;
  readonly #teller = new DeviceTeller();
  readonly #archive: MessageArchive;
  readonly #conversations: ConversationDirectory;
  readonly #outbox: Outbox;
  readonly #expiry: Expiry;
  readonly #arrivals: Arrivals;
  readonly #puller: ChannelPuller;
  readonly #channelKeys: ChannelKeys;
  readonly #receipts: ReceiptBook;
  readonly #gaps: GapBook;
  readonly #reports: FileReports;
  readonly #recovery: Recovery;
  readonly #history: HistoryTransfer;
  readonly #typing = new TypingBook((news) => this.#emit('typing', news));
  readonly #watches = new WatchList();
  readonly #prekeys: PrekeyKeeper;
  readonly #keeper: ConnectionKeeper;
  readonly #closing = new AbortController();
  /** Until the connection that there is, or the next one, ends. */
  #connected = new AbortController();
  readonly #background = new Background((error) => {
    if (!this.#closing.signal.aborted) this.#emit('notice', { kind: 'background-failed', error });
  });
  /** With the present connection, or the last one. */
  #caughtUp: Promise<void> = Promise.resolve();
  #status: ConnectionStatus = { state: 'offline', reason: 'not connected yet', final: false };
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(dependencies: DeviceDependencies) {
    const { store, own, rest, tokens, socketUrl, deviceName, reconnect, connection, signal, filesDirectory: directory } = dependencies;
    const inBackground = (work: Promise<unknown>) => this.#background.run(work);
    this.#dependencies = dependencies;
    this.#archive = new MessageArchive(store, own);
    const onChanged = (messages: readonly MessagePlace[]) => this.#arrivals.tell([], messages);
    this.#conversations = new ConversationDirectory({ store, own, rest, signal, onChanged });
    this.#outbox = createOutbox({
      ...{ store, own, rest, signal, conversations: this.#conversations },
      onIdentityChanged: ({ accountId }) => this.#emit('notice', { kind: 'identity-changed', accountId }),
      onChange: (sent) => this.#sent(sent),
      onKeyMissing: (conversationId) => inBackground(this.#channelKeys.ask(conversationId)),
      onHeld: (conversationId, error) => this.#emit('notice', { kind: 'sending-held', conversationId, error }),
    });
    this.#expiry = new Expiry({ ...{ store, signal, inBackground }, onDisappeared: (messages) => this.#emit('disappeared', { messages }) });
    this.#arrivals = this.#createArrivals();
    const giveKeys = (conversationId: ConversationId) => this.#outbox.giveKeys(conversationId);
    this.groups = new Groups({ store, rest, signal, conversations: this.#conversations, giveKeys });
    this.#puller = this.#createPuller(inBackground);
    const ofChannels = { ...{ store, own, rest, signal, puller: this.#puller }, onAsked: () => this.#outbox.resume(), inBackground };
    this.#channelKeys = new ChannelKeys(ofChannels);
    this.channels = new Channels({ ...ofChannels, keys: this.#channelKeys });
    this.devices = new OwnDevices(dependencies);
    this.push = new Push(rest);
    this.#reports = new FileReports({ store, rest, signal, inBackground });
    const send: Device['send'] = (...given) => this.send(...given);
    this.files = new Files({ directory, rest, reports: this.#reports, send, closing: this.#closing.signal });
    this.#receipts = new ReceiptBook({
      ...{ store, own, inBackground },
      onReceipts: (conversationId) => this.#emit('receipts', { conversationId, ...this.#archive.receipts(conversationId) }),
      onReadElsewhere: (conversationId, position) => this.#emit('read-elsewhere', { conversationId, position }),
    });
    this.#gaps = new GapBook(store);
    this.#recovery = new Recovery({
      ...{ store, own, rest, signal },
      onRecovered: (messages, changes) => this.#arrivals.tell(messages, changes),
      onAsked: () => this.#outbox.resume(),
    });
    this.#history = this.#createHistory();
    this.#prekeys = new PrekeyKeeper({ store, rest, signal, inBackground });
    this.#keeper = new ConnectionKeeper({
      url: socketUrl,
      device: { name: deviceName, version },
      ...{ tokens, reconnect, connection },
      nextConnectionNumber: () => nextConnectionNumber(store),
      onStatus: (status) => this.#turned(status),
      onOpen: (opened) => {
        this.#outbox.connected(opened);
        this.#catchUp(opened);
        this.#tellHeld();
        this.#whileConnected(() => this.#recovery.connected());
        this.#prekeys.connected();
        this.#typing.connected(opened);
        this.#reports.connected(opened);
        this.#background.run(this.#watches.connected(opened));
      },
      onFrame: (from, frame) => this.#take(from, frame),
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

  /** Keeps the device connected, with full-jitter backoff, until `close` or until the server ends it for good (event `stopped`). Listeners come first: what arrives is told from now on. */
  connect(): void {
    if (this.#running !== undefined || this.#closing.signal.aborted) return;
    this.#arrivals.retell();
    this.#running = this.#keeper.run(this.#closing.signal).catch((error: unknown) => {
      this.#emit('stopped', { error });
    });
  }

  /**
   * Erases the account with all its devices, for good: at once nobody finds it, and the server ends its devices (event `stopped`). What it said stays with those who have it, and on this
   * device. Answers what `removal` tells when nothing is left on the server. Throws SdkError `offline`.
   */
  async eraseAccount(): Promise<RemovalId> {
    return (await this.#dependencies.rest.call('eraseAccount', {})).removalId;
  }

  /** What became of the removal of a device or an account, with a signed receipt once it is finished. Throws DomainError `not_found`, SdkError `offline`. */
  removal(removalId: RemovalId): Promise<Removal> {
    return this.#dependencies.rest.call('getRemoval', { params: { removalId } });
  }

  /** Ends the wait for the next try: the network is back, or somebody looks at the screen. */
  retryNow(): void {
    this.#keeper.retryNow();
  }

  /** Answers the call that ends it. */
  on<Name extends keyof DeviceEvents>(name: Name, listener: (event: DeviceEvents[Name]) => unknown): () => void {
    return this.#teller.on(name, listener);
  }

  /** The conversation with somebody; known ones come without network. Throws DomainError `not_found`, SdkError `offline`. */
  conversationWith(handle: string): Promise<Conversation> {
    return this.#conversations.withHandle(handle);
  }

  /** What somebody is called; the id while the server cannot be asked. */
  handleOf(accountId: AccountId): Promise<string> {
    return accountId === this.accountId ? Promise.resolve(this.handle) : this.#conversations.handleOf(accountId);
  }

  conversations(): readonly Conversation[] {
    return this.#archive.conversations();
  }

  /**
   * A message, or something that is done to one (edit, delete, reaction, poll-vote). Resolves with the message when it is durable on this device; it is sent now, or when there is a
   * connection. `ttlSeconds`: how long a text, poll or file stays, if not as `disappearing` says.
   * Throws DomainError `invalid_request`, `too_large`, `not_found`, `forbidden`, SdkError `closed`.
   */
  async send(conversationId: ConversationId, content: Content, { ttlSeconds }: { readonly ttlSeconds?: number } = {}): Promise<Message> {
    if (this.#closing.signal.aborted) throw new SdkError('closed', 'the device was closed');
    const { own } = this.#dependencies;
    const file = this.#fileOf(conversationId, content);
    const sent = await this.#outbox.add(conversationId, outgoingOf({ archive: this.#archive, own }, conversationId, { content, ttlSeconds }));
    if (file !== undefined) await this.#reports.add(file.blobId, { kind: 'deleted', by: sent.messageId });
    const message = this.#archive.message(conversationId, concernedBy(sent));
    if (message === undefined) throw new DomainError('not_found', 'the message disappeared meanwhile');
    return message;
  }

  /** The device's own copy. */
  messages(conversationId: ConversationId, query: MessageQuery = {}): readonly Message[] {
    return this.#archive.messages(conversationId, query);
  }

  /** One of them, such as what another one answers; `undefined` if it is not here. */
  message(conversationId: ConversationId, messageId: MessageId): Message | undefined {
    return this.#archive.message(conversationId, messageId);
  }

  /** How many seconds what is said now stays; `undefined`: for ever. Set by sending `{ type: 'disappearing', seconds }`. */
  disappearing(conversationId: ConversationId): number | undefined {
    return this.#archive.disappearing(conversationId);
  }

  /** The server's history, opened with the keys that this device kept: newest first, at most 100. Throws SdkError `offline`. */
  history(conversationId: ConversationId, query: HistoryQuery = {}): Promise<readonly Message[]> {
    const { store, own, rest } = this.#dependencies;
    return openHistory({ store, own, rest, archive: this.#archive }, conversationId, query);
  }

  /** Tells those who wrote, as far as its privacy wants it; without position up to the newest message. */
  markRead(conversationId: ConversationId, upTo?: Position): Promise<void> {
    return this.#receipts.markRead(conversationId, upTo);
  }

  /** How far this account read, on any of its devices. */
  readUpTo(conversationId: ConversationId): Position | undefined {
    return this.#receipts.readUpTo(conversationId);
  }

  /** What is missing here, oldest first. What is in quarantine may still come. */
  gaps(conversationId: ConversationId): readonly Gap[] {
    return this.#gaps.of(conversationId);
  }

  receiptsOf(conversationId: ConversationId): PeerReceipts {
    return this.#archive.receipts(conversationId);
  }

  /** Of a group: how far each of the others got. */
  receiptsByMember(conversationId: ConversationId): ReadonlyMap<AccountId, PeerReceipts> {
    return this.#archive.receiptsByMember(conversationId);
  }

  /** Where a message of this account is for each device, as the server knows it now. Throws DomainError `not_found`, `unavailable` (ask again in a moment), SdkError `offline`. */
  explain(messageId: MessageId): Promise<Explanation> {
    return this.#dependencies.rest.call('explainMessage', { params: { messageId } });
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

  /** The user types, or stopped: the others in the conversation see it, if they are there now. To be called for every key: it is said at most every 3 s, and holds for 10 s. Nobody is told of it in a channel. */
  typing(conversationId: ConversationId, state: TypingState = 'started'): void {
    if (!isChannelId(conversationId)) this.#typing.say(conversationId, state);
  }

  /** From now on the event `presence` tells whether these are online, at most 500 in all. Throws DomainError `too_large`, `unavailable`. */
  watch(accounts: readonly AccountId[]): Promise<void> {
    return this.#watches.watch(accounts);
  }

  unwatch(accounts: readonly AccountId[]): Promise<void> {
    return this.#watches.unwatch(accounts);
  }

  /** Of the account, for all its devices. Throws SdkError `offline`. */
  async privacy(): Promise<PrivacySettings> {
    return (await this.#dependencies.rest.call('getOwnAccount', {})).privacy;
  }

  /** What is not named stays as it is. Throws SdkError `offline`. */
  async setPrivacy(change: Partial<PrivacySettings>): Promise<PrivacySettings> {
    return this.#dependencies.rest.call('setPrivacy', { body: { ...(await this.privacy()), ...change } });
  }

  /** The account does not learn of it. What it sends here from now on is not delivered, ever. Throws DomainError `not_found`, `too_large`, SdkError `offline`. */
  async block(accountId: AccountId): Promise<void> {
    await this.#dependencies.rest.call('blockAccount', { params: { accountId } });
  }

  async unblock(accountId: AccountId): Promise<void> {
    await this.#dependencies.rest.call('unblockAccount', { params: { accountId } });
  }

  /** Latest first. */
  async blocked(): Promise<readonly AccountId[]> {
    return (await this.#dependencies.rest.call('listBlocks', {})).items.map(({ accountId }) => accountId);
  }

  /**
   * Resolves when everything that was sent is accepted, or failed for good, the server knows what was read, and what others read and posted in channels meanwhile is known here.
   * Throws SdkError `closed` if the device is closed before.
   */
  async idle(): Promise<void> {
    await this.#caughtUp;
    await Promise.all([this.#outbox.idle(), this.#receipts.idle()]);
  }

  /** Disconnects and closes the directory; what is not accepted waits in it. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #introduced(): Promise<void> {
    await introduce({ ...this.#dependencies, conversations: this.#conversations, onAsked: () => this.#outbox.resume() });
    this.#passHistory();
  }

  #catchUp(connection: Connection): void {
    const caughtUp = this.#learnMissed(connection);
    this.#background.run(caughtUp);
    this.#caughtUp = caughtUp.catch(() => undefined);
  }

  /** What was said and read meanwhile. */
  async #learnMissed(connection: Connection): Promise<void> {
    const { signal } = this.#connected;
    const introduced = untilDone(() => this.#introduced(), signal);
    this.#background.run(introduced);
    // What is known is read all the same.
    await introduced.catch(() => undefined);
    if (signal.aborted) return;
    await Promise.all([this.#receipts.connected(connection), untilDone(() => this.#readChannels(connection), signal)]);
  }

  /** What was begun before goes on behind it. */
  async #readChannels(connection: Connection): Promise<void> {
    await this.#puller.connected(connection);
    await this.#channelKeys.connected();
  }

  async #close(): Promise<void> {
    const { store, rest, signal } = this.#dependencies;
    this.#closing.abort();
    rest.close();
    await this.#running;
    // What still comes in begins nothing that would be asked again for ever.
    this.#connected.abort();
    this.#channelKeys.disconnected();
    await this.#puller.close();
    await this.#arrivals.close();
    await this.#outbox.close();
    this.#receipts.close();
    this.#expiry.close();
    await this.#background.idle();
    await signal.idle();
    await store.close();
  }

  async #changeIdentity(change: (unit: UnitOfWork) => void): Promise<void> {
    await changeInTurn(this.#dependencies, change);
    this.#outbox.resume();
  }

  #createPuller(inBackground: (work: Promise<unknown>) => void): ChannelPuller {
    const { store, own, rest, signal } = this.#dependencies;
    return new ChannelPuller({
      ...{ store, own, rest, signal, inBackground },
      onReceived: ({ messages, changes, undecryptable }) => {
        this.#expiry.look();
        this.#arrivals.tell(messages, changes);
        for (const one of undecryptable) this.#emit('notice', { kind: 'undecryptable', ...one });
      },
      onKeyMissing: (conversationId, { accountId }) => this.#channelKeys.ask(conversationId, accountId),
      onLeft: (conversationId) => {
        // What waits for a key fails.
        this.#outbox.resume();
        this.#emit('notice', { kind: 'channel-left', conversationId });
      },
      onCompared: () => this.#receipts.look(),
    });
  }

  #createHistory(): HistoryTransfer {
    const { store, rest, signal } = this.#dependencies;
    return new HistoryTransfer({
      ...{ store, rest, signal, files: this.files },
      onKept: (messages) => {
        this.#expiry.look();
        if (messages > 0) this.#emit('history', { messages });
      },
      onAsked: () => this.#outbox.resume(),
    });
  }

  #createArrivals(): Arrivals {
    const { store, own, signal } = this.#dependencies;
    return new Arrivals({
      ...{ store, own, signal, archive: this.#archive, conversations: this.#conversations },
      onMessage: (message, conversation) => {
        this.#typing.said({ conversationId: message.conversationId, accountId: message.sender.accountId });
        return this.#teller.tell('message', { ...message, conversation });
      },
      onChanged: (message) => this.#emit('message-changed', message),
      onReceived: (received) => this.#received(received),
      onNotStored: (error) => this.#emit('notice', { kind: 'not-stored', error }),
      onNotTold: (error) => this.#emit('notice', { kind: 'background-failed', error }),
      onHeld: () => this.#tellHeld(),
    });
  }

  #tellHeld(): void {
    this.#whileConnected(() => this.#arrivals.tellHeld());
  }

  /** Again until it is done, or the connection that there is, or the next one, ends. */
  #whileConnected(work: () => Promise<unknown>): void {
    this.#background.run(untilDone(work, this.#connected.signal));
  }

  /** Of this account, which is about to be deleted for everyone. */
  #fileOf(conversationId: ConversationId, content: Content): FileContent | undefined {
    const target = content.type === 'delete' ? this.#archive.message(conversationId, content.messageId) : undefined;
    return target?.sender.accountId === this.accountId && target.content.type === 'file' ? target.content : undefined;
  }

  #sent(sent: Sent): void {
    this.#expiry.look();
    if (sent.content.type === 'delete') {
      if (sent.failure === undefined) this.#reports.tell();
      else this.#background.run(this.#reports.deletionFailed(sent.messageId));
    }
    this.#teller.tellSent(this.#archive, sent);
  }

  #turned(status: ConnectionStatus): void {
    this.#status = status;
    if (status.state === 'offline') {
      this.#connected.abort();
      this.#connected = new AbortController();
      this.#outbox.disconnected();
      this.#receipts.disconnected();
      this.#prekeys.disconnected();
      this.#typing.disconnected();
      this.#reports.disconnected();
      this.#watches.disconnected();
      this.#puller.disconnected();
      this.#channelKeys.disconnected();
    }
    this.#passHistory();
    this.#emit('status', status);
  }

  /** What waited for this device is history too. */
  #passHistory(): void {
    if (this.#status.state === 'online') this.#whileConnected(() => this.#history.work());
  }

  #take(connection: Connection, frame: ServerFrame): void {
    if (frame.type === 'deliver') this.#arrivals.take({ connection, seq: frame.seq, items: frame.items });
    else if (frame.type === 'receipts') this.#background.run(this.#receipts.take(frame.items));
    else if (frame.type === 'prekeys.low') this.#prekeys.low();
    else if (frame.type === 'typing') this.#typing.take(frame);
    else if (frame.type === 'presence') this.#presence(frame);
    else if (frame.type === 'channel.head') this.#puller.take(frame);
    else if (frame.type === 'channel.left') this.#puller.lookSoon(frame.conversationId);
    else if (frame.type === 'gap') this.#background.run(this.#missing(frame));
  }

  /** It is told on every connection as long as it is so. */
  async #missing(gap: Extract<ServerFrame, { type: 'gap' }>): Promise<void> {
    if (await this.#gaps.add(gap)) this.#emit('notice', { kind: 'gap', gap });
  }

  #presence({ accountId, online, lastSeenMs }: PresenceNews): void {
    this.#emit('presence', { accountId, online, lastSeenMs });
  }

  #received({ messages, identityChanged, undecryptable, exchanges, answers, keys, history, keysCame }: Received): void {
    if (messages.some(({ content }) => content.type === 'event')) this.#receipts.look();
    for (const conversationId of keysCame) this.#whileConnected(() => this.#channelKeys.came(conversationId));
    if (answers) this.#outbox.resume();
    if (keys) this.#background.run(this.#recovery.recover());
    if (history) this.#passHistory();
    this.#expiry.look();
    this.#prekeys.used(exchanges);
    for (const { accountId } of identityChanged) this.#emit('notice', { kind: 'identity-changed', accountId });
    for (const { message, reason } of undecryptable) this.#emit('notice', { kind: 'undecryptable', message, reason });
  }

  #emit<Name extends keyof DeviceEvents>(name: Name, event: DeviceEvents[Name]): void {
    void this.#teller.tell(name, event);
  }
}
