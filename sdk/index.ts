export type { ConversationEvent as GroupEvent } from '../protocol/conversation-event.js';
export { DomainError } from '../protocol/errors.js';
export type { AccountId, ConversationId, MessageId, Position, RemovalId } from '../protocol/ids.js';
export type { Explanation } from '../protocol/rest/explanation.js';
export type { PrivacySettings } from '../protocol/rest/privacy.js';
export type { Removal } from '../protocol/rest/removal.js';
export type { ChannelMember } from './channels/channel-keys.js';
export type { Channels } from './channels/channels.js';
export type { Device } from './device.js';
export type { DeviceEvents, Notice } from './device-events.js';
export type { Content } from './encryption/content.js';
export type { SafetyNumber } from './encryption/identities.js';
export type { FileContent, FileOptions, Files } from './files/files.js';
export type { Groups } from './groups/groups.js';
export type { LinkOptions } from './linking/join-account.js';
export type { LinkedDevice, LinkProgress, OwnDevices } from './linking/own-devices.js';
export type {
  ChannelConversation,
  Conversation,
  DirectConversation,
  Gap,
  GroupConversation,
  GroupMember,
  Message,
  OutgoingState,
  PeerReceipts,
  Reaction,
  ShownContent,
} from './messages/message.js';
export { openDevice, type DeviceOptions } from './open-device.js';
export type { Push, WebPushSubscription } from './push.js';
export type { TypingNews, TypingState } from './presence/typing-book.js';
export type { PresenceNews } from './presence/watch-list.js';
export { SdkError, type SdkErrorCode } from './sdk-error.js';
export type { ConnectionStatus } from './transport/connection-status.js';
export type { MemberRole } from '../protocol/conversation-event.js';
