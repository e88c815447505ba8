import type { ConversationId, Message, MessageId, PeerReceipts } from '../../sdk/index.js';

/** The ticks that stand behind own messages, so that only changes are shown. What was read changes no more and is forgotten. */
export class ShownTicks {
  readonly #shown = new Map<MessageId, Message>();

  /** Answers the message as it is to be shown, or `undefined` when it stands there so already. */
  add(message: Message, receipts: PeerReceipts): Message | undefined {
    const now = withReceipts(message, receipts);
    if (this.#shown.get(message.messageId)?.state === now.state) return undefined;
    this.#keep(now);
    return now;
  }

  /** Of one conversation: the messages whose ticks are others now, oldest first. */
  raise(conversationId: ConversationId, receipts: PeerReceipts): readonly Message[] {
    const changed = [...this.#shown.values()]
      .filter((message) => message.conversationId === conversationId)
      .map((message) => ({ before: message.state, now: withReceipts(message, receipts) }))
      .filter(({ before, now }) => before !== now.state);
    for (const { now } of changed) this.#keep(now);
    return changed.map(({ now }) => now);
  }

  #keep(message: Message): void {
    if (message.state === 'read' || message.state === 'failed') this.#shown.delete(message.messageId);
    else this.#shown.set(message.messageId, message);
  }
}

/** Receipts may come before the answer that a message was accepted. */
function withReceipts(message: Message, { delivered = 0, read = 0, except = [] }: PeerReceipts): Message {
  const { position, state } = message;
  if (position === undefined || state === undefined || state === 'read' || except.includes(position)) return message;
  if (position <= read) return { ...message, state: 'read' };
  return position <= delivered ? { ...message, state: 'delivered' } : message;
}
