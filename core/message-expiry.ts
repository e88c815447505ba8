/** Whether a message's own time (`ttlSeconds` from its acceptance) is over. */
export function isExpired(
  { acceptedAtMs, ttlSeconds }: { readonly acceptedAtMs: number; readonly ttlSeconds?: number | undefined },
  nowMs: number,
): boolean {
  return ttlSeconds !== undefined && acceptedAtMs + ttlSeconds * 1_000 <= nowMs;
}
