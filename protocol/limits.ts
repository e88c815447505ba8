/** What a token bucket does while the store behind it is away. */
export type WhenStoreIsAway = 'open' | 'closed';

export interface RateLimit {
  /** How many may come at once. */
  readonly burst: number;
  /** How fast the bucket refills. */
  readonly perSecond: number;
  readonly whenStoreIsAway: WhenStoreIsAway;
}

/** Sizes and counts of the wire contract. `welcome` shows them to clients. */
export const limits = {
  maxFrameBytes: 256 * 1024,
  maxBodyBytes: 64 * 1024,
  maxEnvelopeBytes: 16 * 1024,
  maxEnvelopes: 128,
  maxMediaPerMessage: 32,
  maxMediaBytes: 100 * 1024 * 1024,
  maxTtlSeconds: 365 * 24 * 3600,
  maxDevicesPerAccount: 5,
  maxBlocks: 1_000,
  maxWatches: 500,
  maxGroupMembers: 256,
  maxChannelMembers: 100_000,
  /** Owner and admins. */
  maxChannelStaff: 50,
  maxChannelWatches: 100,
  maxKeyringBytes: 16 * 1024,
  maxTitleBytes: 1024,
  maxInviteLifetimeMs: 30 * 24 * 3600 * 1000,
  maxPrekeysPerUpload: 200,
  /** Below so many one-time keys of a kind a device is told to bring more. */
  prekeysLow: 20,
  maxReceiptConversations: 100,
  maxHistoryPage: 100,
  helloTimeoutMs: 5_000,
  heartbeatMs: 25_000,
  pongTimeoutMs: 10_000,
  maxTokenLifetimeMs: 24 * 3600 * 1000,
} as const;

/** Token buckets; their rates can be set by the operator (`HELIOGRAPH_LIMIT_*`). */
export const rateLimits = {
  send: { burst: 60, perSecond: 20, whenStoreIsAway: 'open' },
  recipient: { burst: 60, perSecond: 10, whenStoreIsAway: 'open' },
  hello: { burst: 5, perSecond: 1, whenStoreIsAway: 'open' },
  /** New sessions of one gateway, whoever they are: what is above waits for its turn. A gateway that has trouble counts each of them up to ten times. */
  admission: { burst: 1_000, perSecond: 1_000, whenStoreIsAway: 'open' },
  prekeyBundle: { burst: 10, perSecond: 0.1, whenStoreIsAway: 'closed' },
  /** Proofs by secret, of one device. */
  token: { burst: 10, perSecond: 1, whenStoreIsAway: 'open' },
  /** Of one device in one conversation: one `started` and one `stopped` in 3 s. */
  typing: { burst: 1, perSecond: 1 / 3, whenStoreIsAway: 'open' },
  /** Of one device in all its conversations. */
  typingDevice: { burst: 20, perSecond: 5, whenStoreIsAway: 'open' },
  /** New groups and channels, and changes of them, of one account: each is told to everybody in the group. */
  groupChange: { burst: 60, perSecond: 1, whenStoreIsAway: 'open' },
  /** Changes of its privacy and blocks, of one account: other processes are told. */
  privacyChange: { burst: 30, perSecond: 0.5, whenStoreIsAway: 'open' },
  /** Attempts to join by an invite, of one account. */
  join: { burst: 10, perSecond: 0.1, whenStoreIsAway: 'open' },
  /** Links that are opened from one address. */
  link: { burst: 10, perSecond: 1 / 60, whenStoreIsAway: 'closed' },
  /** Of one account; each looks at every device of a conversation. */
  explain: { burst: 30, perSecond: 1, whenStoreIsAway: 'open' },
  /** New files of one account. */
  media: { burst: 30, perSecond: 0.5, whenStoreIsAway: 'open' },
  /** Bytes of new files of one account: 1 GB a day. */
  mediaBytes: { burst: 1_000_000_000, perSecond: 11_574, whenStoreIsAway: 'open' },
  registration: { burst: 5, perSecond: 5 / 3600, whenStoreIsAway: 'closed' },
} as const satisfies Record<string, RateLimit>;
export type RateLimitName = keyof typeof rateLimits;

/** Of drains, by an operator: nobody forgets one for ever. */
export const maxPauseMinutes = 60;
