import type { ConversationId, DeviceAddress, Position } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import type { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from '../store/device-store.js';
import type { Connection } from '../transport/connection.js';
import type { ConversationDirectory } from './conversation-directory.js';
import type { MessagePlace } from './keep-content.js';
import type { MessageArchive } from './message-archive.js';
import type { Conversation, Message } from './message.js';
import { untoldTable } from './message-tables.js';
import { receive, type Received } from './receiver.js';

export interface ArrivalsDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly conversations: Pick<ConversationDirectory, 'ofIncoming'>;
  readonly archive: MessageArchive;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  /** After it is durable and acked; resolves when the app is done with it. */
  readonly onMessage: (message: Message, conversation: Conversation) => Promise<void>;
  /** Something was done to it. */
  readonly onChanged: (message: Message) => void;
  readonly onReceived: (received: Received) => void;
  /** Not kept, so not acked: the server sends it again on the next connection. */
  readonly onNotStored: (error: unknown) => void;
  readonly onNotTold: (error: unknown) => void;
  /** Something waits until the server says whose conversation it is in: `tellHeld`. */
  readonly onHeld: () => void;
}

interface Frame {
  readonly connection: Connection;
  readonly seq: number;
  readonly items: readonly DeliverItem[];
}

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
  /** In conversations of which nothing is known here, and which the server could not be asked about. */
  readonly #held = new Map<ConversationId, MessagePlace[]>();
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
    const untold = store.range(untoldTable, []).map(({ key }) => ({ conversationId: key[0] as ConversationId, position: key[1] as Position }));
    if (untold.length > 0) this.#tellNext(untold);
  }

  /** What came another way, and is stored: new messages that are noted as untold, and such as were here. Behind what came before. */
  tell(messages: readonly MessagePlace[], changes: readonly MessagePlace[]): void {
    if (!this.#closed) this.#tellNext(messages, changes);
  }

  /** Asks about the conversations of what is held, and tells it, in its order. Throws SdkError `offline`, and what the server refuses. */
  async tellHeld(): Promise<void> {
    for (const conversationId of [...this.#held.keys()]) {
      await this.#dependencies.conversations.ofIncoming(conversationId);
      const places = this.#held.get(conversationId) ?? [];
      this.#held.delete(conversationId);
      this.tell(places, []);
    }
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
      this.#tellNext(received.messages, received.changes);
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
  #tellNext(messages: readonly MessagePlace[], changes: readonly MessagePlace[] = []): void {
    this.#telling = this.#telling
      .then(() => this.#tell(messages))
      .then(() => {
        this.#tellChanges(changes);
      });
  }

  /** Each as it is now; what disappeared meanwhile is not told any more. */
  async #tell(messages: readonly MessagePlace[]): Promise<void> {
    const { archive, onMessage, onNotTold } = this.#dependencies;
    const known = new Map<ConversationId, Conversation>();
    for (const place of messages) {
      const { conversationId, position } = place;
      const conversation = known.get(conversationId) ?? (await this.#conversationOf(place));
      if (this.#closed) return;
      if (conversation === undefined) continue;
      known.set(conversationId, conversation);
      try {
        const message = archive.at(conversationId, position);
        if (message === undefined) continue;
        void onMessage(message, conversation).then(() => {
          this.#remove(place);
        });
      } catch (error) {
        onNotTold(error);
      }
    }
  }

  /** `undefined`: the message is held. */
  async #conversationOf(place: MessagePlace): Promise<Conversation | undefined> {
    const { conversations, onHeld } = this.#dependencies;
    const { conversationId } = place;
    const held = this.#held.get(conversationId);
    if (held !== undefined) {
      held.push(place);
      return undefined;
    }
    try {
      return await conversations.ofIncoming(conversationId);
    } catch {
      if (this.#closed) return undefined;
      this.#held.set(conversationId, [place]);
      onHeld();
      return undefined;
    }
  }

  #tellChanges(changes: readonly MessagePlace[]): void {
    if (this.#closed) return;
    const { archive, onChanged, onNotTold } = this.#dependencies;
    const once = new Map(changes.map((place) => [`${place.conversationId}/${place.position}`, place]));
    try {
      for (const { conversationId, position } of once.values()) {
        const message = archive.at(conversationId, position);
        if (message !== undefined) onChanged(message);
      }
    } catch (error) {
      onNotTold(error);
    }
  }

  #remove({ conversationId, position }: MessagePlace): void {
    if (this.#closed) return;
    const unit = this.#dependencies.store.begin();
    unit.remove(untoldTable, conversationId, position);
    const removal = unit.commit().catch((error: unknown) => {
      this.#dependencies.onNotTold(error);
    });
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
  }
}
