export interface ErrorMeaning {
  /** Status of the REST answer. */
  readonly http: number;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  readonly meaning: string;
}

/** Every error code of both edges. Codes are contract: they are added, never renamed. */
export const errorCodes = {
  invalid_frame: { http: 400, retryable: false, meaning: 'The frame could not be decoded or does not match its schema; `detail.field` names where.' },
  invalid_request: { http: 400, retryable: false, meaning: 'The request does not match its schema; `detail.field` names where.' },
  unauthenticated: { http: 401, retryable: false, meaning: 'The token or device secret is missing, wrong, expired or revoked.' },
  forbidden: { http: 403, retryable: false, meaning: 'The account may not do this.' },
  not_found: { http: 404, retryable: false, meaning: 'There is no such thing, or the account may not know of it.' },
  not_a_member: { http: 403, retryable: false, meaning: 'The account is not a member of the conversation.' },
  blocked: { http: 403, retryable: false, meaning: 'The account blocked the other one.' },
  roster_mismatch: {
    http: 409,
    retryable: false,
    meaning: 'The envelopes do not fit the devices of the conversation; the answer lists missing, extra and stale ones.',
  },
  message_conflict: { http: 409, retryable: false, meaning: 'The message id was used before for other content.' },
  group_full: { http: 409, retryable: false, meaning: 'The group has reached its member limit.' },
  channel_full: { http: 409, retryable: false, meaning: 'The channel has reached its member limit.' },
  too_large: { http: 413, retryable: false, meaning: 'The request is larger than the limit that the answer names.' },
  rate_limited: { http: 429, retryable: true, meaning: 'Too many requests of this kind; try again after `retryAfterMs`.' },
  prekeys_exhausted: { http: 409, retryable: true, meaning: 'The device has no prekey left to give.' },
  conflict: { http: 409, retryable: false, meaning: 'The request contradicts what is stored, for example a handle that is taken.' },
  changed: { http: 412, retryable: false, meaning: 'It is not as `If-Match` says any more: read it again, then decide.' },
  gone: { http: 410, retryable: false, meaning: 'It existed and was removed.' },
  unavailable: {
    http: 503,
    retryable: true,
    meaning: 'Something that the request needs is away; nothing was changed. Try again after `retryAfterMs`.',
  },
  internal: { http: 500, retryable: true, meaning: 'A fault of the server; it was logged.' },
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorOptionsOfDomain {
  readonly retryAfterMs?: number;
  /** Structured facts for the client: `field`, `limit`, `missing` ... */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An expected failure with a code of the contract. Anything else that is thrown leaves an edge as `internal`, without its text. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly detail: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptionsOfDomain = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.detail = options.detail;
  }
}
