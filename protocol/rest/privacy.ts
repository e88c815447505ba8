import { z } from 'zod';

import { accountId } from '../ids.js';

/** Who may see whether an account is online, and when it was last. `contacts`: those to whom it opened a direct conversation, as it does when it writes to them. */
export const audience = z.enum(['everyone', 'contacts', 'nobody']);
export type Audience = z.infer<typeof audience>;

/** Of an account, for all its devices. Both go both ways: what one does not show one is not shown. */
export const privacySettings = z.strictObject({
  /** Also of whether it is online. */
  lastSeen: audience,
  /** Whether others learn what it read, in groups too. Its own devices always do. */
  readReceipts: z.boolean(),
});
export type PrivacySettings = z.infer<typeof privacySettings>;

export const blockViews = z.strictObject({ items: z.array(z.strictObject({ accountId, blockedAtMs: z.number().int() })) });
