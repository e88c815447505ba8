import type { Accounts, Devices } from '../../ports/accounts.js';
import type { Announcements } from '../../ports/announcements.js';
import type { BlobFiles } from '../../ports/blob-files.js';
import type { Channels } from '../../ports/channels.js';
import type { Clock } from '../../ports/clock.js';
import type { DeviceLinks } from '../../ports/device-links.js';
import type { Conversations } from '../../ports/conversations.js';
import type { Groups } from '../../ports/groups.js';
import type { History } from '../../ports/history.js';
import type { Inbox } from '../../ports/inbox.js';
import type { Prekeys } from '../../ports/prekeys.js';
import type { PushSender } from '../../ports/push-sender.js';
import type { PushSubscriptions } from '../../ports/push-subscriptions.js';
import type { Privacy } from '../../ports/privacy.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { RegistrationProof } from '../../ports/registration-proof.js';
import type { Removals } from '../../ports/removals.js';
import type { WakeUps } from '../../ports/wake-ups.js';
import type { Watermarks } from '../../ports/watermarks.js';
import type { RestEvents } from '../../telemetry/rest-events.js';
import type { GroupEvents } from '../group-events.js';
import type { MediaKeeper } from '../media/media-keeper.js';
import type { MessageExplainer } from '../message-explainer.js';
import type { Statements } from '../statements.js';
import type { Tokens } from '../tokens.js';

export interface RestDependencies {
  readonly accounts: Accounts;
  readonly devices: Devices;
  readonly deviceLinks: DeviceLinks;
  readonly prekeys: Prekeys;
  readonly conversations: Conversations;
  readonly groups: Groups;
  readonly channels: Channels;
  readonly groupEvents: GroupEvents;
  readonly pushSubscriptions: PushSubscriptions;
  /** Left out where no pushes are sent. */
  readonly pushSender: PushSender | undefined;
  readonly explainer: MessageExplainer;
  readonly privacy: Privacy;
  readonly removals: Removals;
  readonly keeper: MediaKeeper;
  /** Left out where clients reach the blob store themselves. */
  readonly blobFiles: BlobFiles | undefined;
  readonly history: History;
  readonly watermarks: Watermarks;
  readonly inbox: Inbox;
  readonly announcements: Announcements;
  readonly wakeUps: WakeUps;
  readonly rateLimiter: RateLimiter;
  readonly registrationProof: RegistrationProof;
  readonly tokens: Tokens;
  readonly statements: Statements;
  readonly clock: Clock;
  readonly events: RestEvents;
  readonly options: RestOptions;
}

export interface RestOptions {
  /** Origins that browsers may come from; `*` for all. */
  readonly allowedOrigins: readonly string[];
  /** How many proxies in front add to `X-Forwarded-For`. */
  readonly trustedProxies: number;
}
