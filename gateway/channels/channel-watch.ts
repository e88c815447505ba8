import type { ConversationId, Position } from '../../protocol/ids.js';
import type { Watcher } from '../presence/watch.js';

/** One session watches one channel. */
export class ChannelWatch {
  readonly watcher: Watcher;
  readonly conversationId: ConversationId;
  readonly #head: () => Position;
  #told = -1;

  constructor(watcher: Watcher, conversationId: ConversationId, head: () => Position) {
    this.watcher = watcher;
    this.conversationId = conversationId;
    this.#head = head;
  }

  /** It was told by an answer. */
  knows(position: Position): void {
    this.#told = Math.max(this.#told, position);
  }

  /** How far the channel is now, if that is news. Answers whether a frame was sent. */
  tell(): boolean {
    const position = this.#head();
    if (position <= this.#told) return false;
    this.#told = position;
    this.watcher.send({ type: 'channel.head', conversationId: this.conversationId, position });
    return true;
  }
}
