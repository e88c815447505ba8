/** Turns, one after the other: the first one comes after `firstInMs`, each further one `everyMs` later. */
export interface Turns {
  readonly firstInMs: number;
  readonly everyMs: number;
}

/**
 * The one line in which devices wait that no gateway could let in at once. It moves as fast as all gateways together let devices in.
 * Never the only copy of anything; may come back empty. Throws DomainError `unavailable` while its store is away.
 */
export interface WaitingLine {
  /** For the next 10 s the gateway lets in so many a second. */
  offer(gatewayId: string, perSecond: number): Promise<void>;
  /** After how many ms the next turn would come; 0 when nobody waits. */
  lengthMs(): Promise<number>;
  /** The next turns, which nobody else gets. Atomic. They come at least as fast as this, whatever was offered: the store may have forgotten. */
  take(count: number, leastPerSecond: number): Promise<Turns>;
}
