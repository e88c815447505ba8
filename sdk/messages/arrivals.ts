import type { ConversationId, DeviceAddress, Position } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import type { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Connection } from '../transport/connection.js';
import type { ConversationDirectory } from './conversation-directory.js';
import type { Conversation, Message } from './message.js';
import { messageTable, untoldTable } from './message-tables.js';
import { receive, type Received } from './receiver.js';

export interface ArrivalsDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly conversations: ConversationDirectory;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** After it is durable and acked; resolves when the app is done with it. */
  readonly onMessage: (message: Message, conversation: Conversation) => Promise<void>;
  readonly onReceived: (received: Received) => void;
  /** Not kept, so not acked: the server sends it again on the next connection. */
  readonly onNotStored: (error: unknown) => void;
  readonly onNotTold: (error: unknown) => void;
}

interface Frame {
  readonly connection: Connection;
  readonly seq: number;
  readonly items: readonly DeliverItem[];
}

type Told = Pick<Message, 'conversationId' | 'position'>;

/**
 * Delivered frames on their way to the app. Whatever waits goes into one transaction, is acked, then told. A message counts as told when its listeners are done: what a kill cut off
 * is told again at the next start.
 */
export class Arrivals {
  readonly #dependencies: ArrivalsDependencies;
  #waiting: Frame[] = [];
  #storing: Promise<void> | undefined;
  #telling: Promise<void> = Promise.resolve();
  readonly #removals = new Set<Promise<void>>();
  /** Connections with a frame that could not be kept: an ack of a later one would count for it too. */
  readonly #failed = new WeakSet<Connection>();
  #closed = false;

  constructor(dependencies: ArrivalsDependencies) {
    this.#dependencies = dependencies;
  }

  take(frame: Frame): void {
    if (this.#closed || this.#failed.has(frame.connection)) return;
    this.#waiting.push(frame);
    this.#storing ??= this.#storeAll().finally(() => {
      this.#storing = undefined;
    });
  }

  /** Tells what an earlier process received and did not get to tell. */
  retell(): void {
    const { store } = this.#dependencies;
    const messages = store.range(untoldTable, []).flatMap(({ key }): Message[] => {
      const [conversationId, position] = key as [ConversationId, Position];
      const row = store.get(messageTable, conversationId, position);
      return row === undefined ? [] : [{ conversationId, position, ...row }];
    });
    if (messages.length > 0) this.#tellNext(messages);
  }

  /** What was not told by now is told at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#storing;
    await this.#telling;
    await Promise.all(this.#removals);
  }

  async #storeAll(): Promise<void> {
    const { store, own, signal, onReceived } = this.#dependencies;
    for (let frames = this.#waiting.splice(0); frames.length > 0; frames = this.#waiting.splice(0)) {
      const items = frames.flatMap((frame) => frame.items);
      let received: Received;
      try {
        received = await signal.run(() => receive(store, own, items, Date.now()));
      } catch (error) {
        this.#notStored(frames, error);
        continue;
      }
      for (const [connection, seq] of new Map(frames.map((frame) => [frame.connection, frame.seq]))) connection.ack(seq);
      onReceived(received);
      this.#tellNext(received.messages);
    }
  }

  #notStored(frames: readonly Frame[], error: unknown): void {
    for (const { connection } of frames) {
      this.#failed.add(connection);
      void connection.close();
    }
    this.#waiting = this.#waiting.filter(({ connection }) => !this.#failed.has(connection));
    this.#dependencies.onNotStored(error);
  }

  /** In the order of arrival; storing goes on meanwhile. */
  #tellNext(messages: readonly Message[]): void {
    this.#telling = this.#telling.then(() => this.#tell(messages));
  }

  async #tell(messages: readonly Message[]): Promise<void> {
    const { conversations, onMessage, onNotTold } = this.#dependencies;
    const known = new Map<ConversationId, Promise<Conversation>>();
    for (const message of messages) {
      const { conversationId } = message;
      const asked = known.get(conversationId) ?? conversations.ofIncoming(conversationId);
      known.set(conversationId, asked);
      try {
        const conversation = await asked;
        if (this.#closed) return;
        void onMessage(message, conversation).then(() => {
          this.#remove(message);
        });
      } catch (error) {
        if (!this.#closed) onNotTold(error);
      }
    }
  }

  #remove({ conversationId, position }: Told): void {
    if (this.#closed || position === undefined) return;
    const unit = this.#dependencies.store.begin();
    unit.remove(untoldTable, conversationId, position);
    const removal = unit.commit().catch((error: unknown) => {
      this.#dependencies.onNotTold(error);
    });
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
  }
}
