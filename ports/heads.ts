import type { ConversationId } from '../protocol/ids.js';
import type { ChannelHead } from '../protocol/server-frames.js';

/**
 * How far channels are, told to the gateways where somebody watches them. Best effort: one that is lost is made up for by the next, or by whoever looks for itself.
 * Order is not promised, `tell` never throws. Everything up to a head is in History before it is told.
 */
export interface Heads {
  tell(heads: readonly ChannelHead[]): Promise<void>;
  /** One listener for each channel. Resolves when what is told from then on is heard, or when that is not possible now; then it is as soon as it is. With the call that ends it; never rejects. */
  listen(conversationId: ConversationId, listener: (head: ChannelHead) => void): Promise<() => void>;
  /** Called whenever heads may have been missed. */
  onResumed(listener: () => void): void;
}
