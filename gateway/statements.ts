import { createPublicKey } from 'node:crypto';

import { calculateJwkThumbprint, exportJWK, SignJWT } from 'jose';
import type { z } from 'zod';

import type { publicKeys } from '../protocol/rest/removal.js';
import { tokenAlgorithm, tokenIssuer, type TokenKeys } from './tokens.js';

/** What the server says in a way that anybody can verify later. */
export interface Statements {
  /** A JWT of that type (`typ` of RFC 7515). */
  sign(type: string, claims: Record<string, unknown>, madeAtMs: number): Promise<string>;
  keys(): Promise<z.infer<typeof publicKeys>['keys']>;
}

/** Signed by the key of the tokens; neither passes for the other, as a token names its audience. */
export function createStatements({ privateKey }: Pick<TokenKeys, 'privateKey'>): Statements {
  const publicJwk = async () => {
    const { x = '' } = await exportJWK(createPublicKey(privateKey));
    const jwk = { kty: 'OKP', crv: 'Ed25519', x } as const;
    return { ...jwk, kid: await calculateJwkThumbprint(jwk) };
  };
  return {
    sign: async (type, claims, madeAtMs) => {
      const { kid } = await publicJwk();
      return new SignJWT(claims)
        .setProtectedHeader({ alg: tokenAlgorithm, typ: type, kid })
        .setIssuer(tokenIssuer)
        .setIssuedAt(Math.floor(madeAtMs / 1_000))
        .sign(privateKey);
    },
    keys: async () => [{ ...(await publicJwk()), use: 'sig', alg: tokenAlgorithm }],
  };
}
