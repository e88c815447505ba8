import type { ErrorCode } from '../protocol/errors.js';
import type { AccountId, ConversationId, MessageId, Position } from '../protocol/ids.js';
import type { ServerFrame } from '../protocol/server-frames.js';
import type { Disappeared } from './messages/expiry.js';
import type { Conversation, Message, PeerReceipts } from './messages/message.js';
import type { TypingNews } from './presence/typing-book.js';
import type { PresenceNews } from './presence/watch-list.js';
import type { ConnectionStatus } from './transport/connection-status.js';

/** What a user should hear of, beside messages. */
export type Notice =
  /** The peer has another identity key: it registered anew, or somebody stands between. Shown, and holds sending if the old key had been verified. */
  | { readonly kind: 'identity-changed'; readonly accountId: AccountId }
  /** Sending in a conversation waits: for approval of a changed key (SdkError `identity_changed`), or until the next connection. */
  | { readonly kind: 'sending-held'; readonly conversationId: ConversationId; readonly error: unknown }
  /** The server will never take what was to be done to the message. */
  | { readonly kind: 'change-refused'; readonly conversationId: ConversationId; readonly messageId: MessageId; readonly failure: ErrorCode }
  | { readonly kind: 'undecryptable'; readonly message: Message; readonly reason: string }
  /** Messages that the server had for this device and will never deliver. */
  | { readonly kind: 'gap'; readonly gap: Extract<ServerFrame, { type: 'gap' }> }
  /** The account is no member of the channel any more: what came stays readable. */
  | { readonly kind: 'channel-left'; readonly conversationId: ConversationId }
  /** The directory took nothing: a full disk, for example. The server keeps what it delivered. */
  | { readonly kind: 'not-stored'; readonly error: unknown }
  /** Prekeys or receipts could not be brought up to date (the next connection tries again), or a listener of yours threw. */
  | { readonly kind: 'background-failed'; readonly error: unknown };

/** A listener may be async. What one throws becomes a notice, or an uncaught exception if nobody listens to notices. */
export interface DeviceEvents {
  /** A new message, which is durable on this device. Once, and again after the next start if the process ended before the listeners were done with it. */
  readonly message: Message & { readonly conversation: Conversation };
  /** Something was done to a message that was here: as it is now. It may come for nothing new, and not at all if the process ends before: lists show the same. */
  readonly 'message-changed': Message;
  /** Their time was over: they are deleted here. */
  readonly disappeared: { readonly messages: readonly Disappeared[] };
  /** An own message was added, accepted, or failed. */
  readonly outgoing: Message;
  /** The peer's devices got further, or the peer read further. */
  readonly receipts: PeerReceipts & { readonly conversationId: ConversationId };
  /** Another device of this account read further: what is unread here changes. */
  readonly 'read-elsewhere': { readonly conversationId: ConversationId; readonly position: Position };
  /** So many messages from before this device was linked are here now, from another device of the account. */
  readonly history: { readonly messages: number };
  /** Somebody else types in a conversation, or stopped: by sending, by saying so, or by not saying anything for 10 s. */
  readonly typing: TypingNews;
  /** Of an account that this device watches: once after `watch` and after every connect, then when it changes. */
  readonly presence: PresenceNews;
  readonly status: ConnectionStatus;
  readonly notice: Notice;
  /** The server ended this device for good. */
  readonly stopped: { readonly error: unknown };
}
