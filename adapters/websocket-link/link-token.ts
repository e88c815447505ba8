import { jwtVerify, SignJWT } from 'jose';

const lifetimeSeconds = 30;
const clockSkewSeconds = 10;

const key = (secret: string) => new TextEncoder().encode(secret);

/** Proves to one gateway that the caller knows the shared secret, without showing it. */
export function signLinkToken(secret: string, gatewayId: string): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'link' })
    .setAudience(gatewayId)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`)
    .sign(key(secret));
}

export async function linkTokenHolds(secret: string, gatewayId: string, token: string): Promise<boolean> {
  try {
    await jwtVerify(token, key(secret), { algorithms: ['HS256'], typ: 'link', audience: gatewayId, clockTolerance: clockSkewSeconds });
    return true;
  } catch {
    return false;
  }
}
