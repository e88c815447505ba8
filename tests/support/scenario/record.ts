import type { MemberRole } from '../../../protocol/conversation-event.js';
import type { Content, Gap, Message, MessageId, ShownContent } from '../../../sdk/index.js';
import type { ConversationOfScript, Name } from './script.js';

/** What happened in a run, in the names of its script; times in ms of this machine's clock. */
export interface Record {
  readonly conversations: readonly ConversationOfScript[];
  readonly devices: readonly KnownDevice[];
  readonly said: readonly Said[];
  readonly changes: readonly Changed[];
  readonly lives: readonly Life[];
  readonly told: readonly Told[];
  readonly reads: readonly ReadMark[];
  readonly claims: readonly ReceiptClaim[];
  readonly notices: readonly Noticed[];
}

/** Something took effect in between: whoever asked the server a moment before or after may have got either. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface KnownDevice {
  readonly name: Name;
  readonly account: Name;
  /** Missing: it was there before anything was said. */
  readonly linked?: Window | undefined;
  readonly unlinked?: Window | undefined;
}

/** What a device was asked to send, in the order in which it was asked. */
export interface Said {
  readonly device: Name;
  readonly conversation: Name;
  readonly atMs: number;
  readonly content: Content;
  /** Missing of what is done to another message. */
  readonly messageId?: MessageId | undefined;
  readonly ttlSeconds?: number | undefined;
  /** It has disappeared when the run ends. */
  readonly isFleeting: boolean;
}

/** As events say it; of a channel only that it was made and who is what. */
export type Change =
  | { readonly type: 'created' | 'members-added'; readonly members: readonly Name[] }
  | { readonly type: 'member-joined' | 'member-removed' | 'member-left'; readonly member: Name }
  | { readonly type: 'role-changed'; readonly member: Name; readonly role: MemberRole };

export interface Changed extends Window {
  readonly conversation: Name;
  readonly device: Name;
  readonly change: Change;
}

/** From opening a device until it is closed or killed. */
export interface Life {
  readonly device: Name;
  readonly openedAtMs: number;
  /** Missing: it is still open. */
  readonly closedAtMs?: number | undefined;
  /** Ids of the messages that it had when it was opened, before it connected. */
  readonly held: ReadonlyMap<Name, readonly string[]>;
}

/** The event `message`. */
export interface Told {
  readonly device: Name;
  readonly openedAtMs: number;
  readonly conversation: Name;
  readonly messageId: string;
  readonly sender: Name;
  readonly acceptedAtMs: number;
}

export interface ReadMark {
  readonly device: Name;
  readonly conversation: Name;
  readonly position: number;
  readonly atMs: number;
}

/** What a device was told of how far somebody got. */
export interface ReceiptClaim {
  readonly device: Name;
  readonly conversation: Name;
  readonly account: Name;
  readonly delivered?: number | undefined;
  readonly read?: number | undefined;
  readonly atMs: number;
}

export interface Noticed {
  readonly device: Name;
  readonly kind: string;
  readonly text: string;
}

/** A row of the server's history: where everybody's order comes from. */
export interface LogEntry {
  readonly messageId: string;
  readonly position: number;
  readonly acceptedAtMs: number;
  readonly device: Name;
  readonly ttlSeconds?: number | undefined;
  /** Of an event. */
  readonly event?: Change | undefined;
}

/** A message as a device shows it. */
export interface Shown extends Pick<Message, 'messageId' | 'position' | 'editedAtMs' | 'ttlSeconds' | 'state' | 'failure'> {
  readonly device: Name;
  readonly content: ShownContent | { readonly type: 'event'; readonly event: Change };
  readonly reactions?: readonly { readonly emoji: string; readonly accounts: readonly Name[] }[] | undefined;
}

export interface ShownConversation {
  readonly messages: readonly Shown[];
  readonly readUpTo?: number | undefined;
  readonly gaps: readonly Gap[];
}

/** By device and conversation. */
export type Transcripts = ReadonlyMap<Name, ReadonlyMap<Name, ShownConversation>>;
/** By conversation. */
export type Logs = ReadonlyMap<Name, readonly LogEntry[]>;
