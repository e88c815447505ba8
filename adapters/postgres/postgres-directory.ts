import type { Accounts, Devices } from '../../ports/accounts.js';
import type { Channels } from '../../ports/channels.js';
import type { DeviceLinks } from '../../ports/device-links.js';
import type { Conversations } from '../../ports/conversations.js';
import type { Groups } from '../../ports/groups.js';
import type { Media } from '../../ports/media.js';
import type { Prekeys } from '../../ports/prekeys.js';
import type { PushSubscriptions } from '../../ports/push-subscriptions.js';
import type { Privacy } from '../../ports/privacy.js';
import type { Removals } from '../../ports/removals.js';
import { createPostgresAccounts } from './postgres-accounts.js';
import { createPostgresChannels } from './postgres-channels.js';
import { createPostgresConversations } from './postgres-conversations.js';
import { createPostgresDeviceLinks } from './postgres-device-links.js';
import { createPostgresDevices } from './postgres-devices.js';
import { createPostgresGroups } from './postgres-groups.js';
import { createPostgresMedia } from './postgres-media.js';
import type { PostgresPool } from './postgres-pool.js';
import { createPostgresPrekeys } from './postgres-prekeys.js';
import { createPostgresPushSubscriptions } from './postgres-push-subscriptions.js';
import { createPostgresPrivacy } from './postgres-privacy.js';
import { createPostgresRemovals } from './postgres-removals.js';

export interface PostgresDirectory {
  readonly accounts: Accounts;
  readonly devices: Devices;
  readonly deviceLinks: DeviceLinks;
  readonly prekeys: Prekeys;
  readonly conversations: Conversations;
  readonly groups: Groups;
  readonly channels: Channels;
  readonly pushSubscriptions: PushSubscriptions;
  readonly privacy: Privacy;
  readonly media: Media;
  readonly removals: Removals;
}

/** The directory ports on one pool; the database has to be migrated. */
export function createPostgresDirectory(pool: PostgresPool): PostgresDirectory {
  return {
    accounts: createPostgresAccounts(pool),
    devices: createPostgresDevices(pool),
    deviceLinks: createPostgresDeviceLinks(pool),
    prekeys: createPostgresPrekeys(pool),
    conversations: createPostgresConversations(pool),
    groups: createPostgresGroups(pool),
    channels: createPostgresChannels(pool),
    pushSubscriptions: createPostgresPushSubscriptions(pool),
    privacy: createPostgresPrivacy(pool),
    media: createPostgresMedia(pool),
    removals: createPostgresRemovals(pool),
  };
}
