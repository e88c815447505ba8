import { z } from 'zod';

import { removalId } from '../ids.js';

const count = z.number().int().min(0);

/** Where to ask what became of it: for whoever knows the id, as the account may be gone. */
export const begunRemoval = z.strictObject({ removalId });

export const removalView = z.strictObject({
  removalId,
  /** `device`: one was unlinked. `account`: it was erased with all its devices. */
  kind: z.enum(['device', 'account']),
  begunAtMs: z.number().int(),
  /** Missing while something may be left. */
  finished: z
    .strictObject({
      atMs: z.number().int(),
      removed: z.strictObject({ devices: count, groupsLeft: count, channelsLeft: count, files: count }),
      /** All of this as a JWT (`typ` `heliograph-removal+jwt`), signed by a key of `/v1/keys`. */
      receipt: z.string(),
    })
    .optional(),
});

export type Removal = z.infer<typeof removalView>;

/** A JSON Web Key Set (RFC 7517). */
export const publicKeys = z.strictObject({
  keys: z.array(
    z.strictObject({
      kty: z.literal('OKP'),
      crv: z.literal('Ed25519'),
      x: z.string(),
      use: z.literal('sig'),
      alg: z.literal('EdDSA'),
      kid: z.string(),
    }),
  ),
});
