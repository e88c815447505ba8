import type { GatewayLink } from '../ports/gateway-link.js';
import type { Accounts, Devices } from '../ports/accounts.js';
import type { Announcements } from '../ports/announcements.js';
import type { Clock } from '../ports/clock.js';
import type { Conversations } from '../ports/conversations.js';
import type { DeviceLinks } from '../ports/device-links.js';
import type { DurableWork } from '../ports/durable-work.js';
import type { EventLog } from '../ports/event-log.js';
import type { Groups } from '../ports/groups.js';
import type { History } from '../ports/history.js';
import type { Inbox } from '../ports/inbox.js';
import type { Prekeys } from '../ports/prekeys.js';
import type { PushSender } from '../ports/push-sender.js';
import type { PushSubscriptions } from '../ports/push-subscriptions.js';
import type { QuietPeriods } from '../ports/quiet-periods.js';
import type { Presence } from '../ports/presence.js';
import type { Privacy } from '../ports/privacy.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { Rosters } from '../ports/rosters.js';
import type { SessionRegistry } from '../ports/session-registry.js';
import type { WakeUps } from '../ports/wake-ups.js';
import type { Signals } from '../ports/signals.js';
import type { Watermarks } from '../ports/watermarks.js';

/** One adapter for each port: what a profile chooses, and all that a role needs. */
export interface Adapters {
  readonly clock: Clock;
  readonly eventLog: EventLog;
  readonly inbox: Inbox;
  readonly history: History;
  readonly watermarks: Watermarks;
  readonly registry: SessionRegistry;
  readonly rateLimiter: RateLimiter;
  readonly announcements: Announcements;
  readonly signals: Signals;
  readonly presence: Presence;
  readonly rosters: Rosters;
  readonly accounts: Accounts;
  readonly devices: Devices;
  readonly deviceLinks: DeviceLinks;
  readonly prekeys: Prekeys;
  readonly conversations: Conversations;
  readonly groups: Groups;
  readonly pushSubscriptions: PushSubscriptions;
  readonly quietPeriods: QuietPeriods;
  /** `undefined`: no pushes are sent, and `wakeUps` does nothing. */
  readonly pushSender: PushSender | undefined;
  readonly wakeUps: WakeUps;
  readonly privacy: Privacy;
  readonly link: GatewayLink;
  readonly work: DurableWork;
}
