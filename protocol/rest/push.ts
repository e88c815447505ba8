import { z } from 'zod';

const base64url = (byteCount: number) =>
  z.base64url().length(Math.ceil((byteCount * 4) / 3), { error: `must be ${byteCount} bytes as base64url without padding` });

/** Where a device is woken: `kind`, and what `PushSubscription.toJSON()` gives in a browser. */
export const newPushSubscription = z.strictObject({
  kind: z.literal('web'),
  endpoint: z.url().max(2_048),
  /** Of browsers; what ended is told by the push service. */
  expirationTime: z.number().nullable().optional(),
  keys: z.strictObject({
    /** The browser's public key, an uncompressed point of P-256. */
    p256dh: base64url(65),
    auth: base64url(16),
  }),
});

/** As it is kept. */
export type PushSubscription = Readonly<Omit<z.infer<typeof newPushSubscription>, 'expirationTime'>>;

/** What a browser subscribes with, base64url. */
export const pushKey = z.strictObject({ applicationServerKey: z.string() });

/** All that a push carries: the server knows nothing of contents, and push services learn nothing of people. */
export const wakeUpPayload = { type: 'wake' } as const;
export type WakeUpPayload = typeof wakeUpPayload;
