import type { MemberRole } from '../../../protocol/conversation-event.js';
import type { DeviceId } from '../../../protocol/ids.js';
import type { AccountId, Content, ConversationId, Gap, Message, MessageId } from '../../../sdk/index.js';
import type { Name, Wish } from './script.js';

interface OfDevice {
  readonly device: Name;
}
interface OfConversation extends OfDevice {
  readonly conversationId: ConversationId;
}

export type ChangeCall =
  | { readonly type: 'add'; readonly handle: string }
  | { readonly type: 'remove'; readonly accountId: AccountId }
  | { readonly type: 'leave' }
  | { readonly type: 'role'; readonly accountId: AccountId; readonly role: MemberRole };

/** What a process of devices can be asked for; each has one answer. */
export interface HostCalls {
  /** Registers, links or opens it, and connects. */
  readonly open: OfDevice & { readonly directory: string; readonly handle?: string | undefined; readonly link?: boolean | undefined };
  readonly close: OfDevice;
  readonly meet: OfDevice & { readonly handle: string };
  readonly found: OfDevice & { readonly title: string; readonly members: readonly string[] };
  readonly foundChannel: OfDevice & { readonly title: string };
  readonly invite: OfConversation;
  readonly join: OfDevice & { readonly invite: string };
  /** Of a channel: looks, and reads all there is. */
  readonly catchUp: OfConversation;
  readonly say: OfConversation & { readonly wish: Wish; readonly text: string; readonly pick: number; readonly ttlSeconds?: number | undefined };
  readonly rule: OfConversation & { readonly seconds?: number | undefined };
  readonly read: OfConversation;
  readonly change: OfConversation & { readonly call: ChangeCall };
  readonly link: OfDevice & { readonly code: string };
  readonly unlink: OfDevice & { readonly deviceId: DeviceId };
  /** Everything is accepted, or refused for good. */
  readonly idle: OfDevice;
  readonly has: OfConversation & { readonly messageId: MessageId };
  readonly snapshot: OfDevice & { readonly conversations: readonly ConversationId[] };
}

export interface SaidAnswer {
  readonly content: Content;
  /** Of a message of its own. */
  readonly messageId?: MessageId | undefined;
  readonly ttlSeconds?: number | undefined;
}

export interface ConversationSnapshot {
  readonly conversationId: ConversationId;
  readonly messages: readonly Message[];
  readonly readUpTo?: number | undefined;
  readonly gaps: readonly Gap[];
}

export interface HostAnswers {
  readonly open: {
    readonly accountId: AccountId;
    readonly deviceId: DeviceId;
    readonly openedAtMs: number;
    /** What it had before it connected. */
    readonly held: readonly (readonly [ConversationId, readonly MessageId[]])[];
  };
  readonly close: null;
  readonly meet: ConversationId;
  readonly found: ConversationId;
  readonly foundChannel: ConversationId;
  /** A text to join by. */
  readonly invite: string;
  readonly join: null;
  /** Whether everything that was posted before is here. */
  readonly catchUp: boolean;
  /** `null`: what was picked went meanwhile, or the device does not know that it may post in the channel. */
  readonly say: SaidAnswer | null;
  readonly rule: SaidAnswer | null;
  /** Up to where it has read now. */
  readonly read: number | null;
  readonly change: null;
  readonly link: null;
  readonly unlink: null;
  readonly idle: null;
  readonly has: boolean;
  readonly snapshot: readonly ConversationSnapshot[];
}

/** What it tells by itself. */
export type HostEvent = { readonly device: Name; readonly atMs: number } & (
  | { readonly event: 'code'; readonly code: string }
  /** `openedAtMs`: in which life of the device. */
  | { readonly event: 'told'; readonly openedAtMs: number; readonly message: Message }
  | {
      readonly event: 'receipts';
      readonly conversationId: ConversationId;
      readonly members: readonly (readonly [AccountId, { readonly delivered?: number | undefined; readonly read?: number | undefined }])[];
    }
  | { readonly event: 'notice'; readonly kind: string; readonly text: string }
);

export type HostRequest = {
  readonly [Call in keyof HostCalls]: { readonly id: number; readonly call: Call; readonly input: HostCalls[Call] };
}[keyof HostCalls];

export interface HostFailure {
  readonly code: string;
  readonly message: string;
}

export type HostReply = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly failure: HostFailure } | HostEvent;
