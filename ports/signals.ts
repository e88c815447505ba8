import type { ServerFrame } from '../protocol/server-frames.js';
import type { SessionRef } from './gateway-link.js';

/** A frame for sessions of one gateway, best effort. */
export interface SignalledFrame {
  readonly sessions: readonly SessionRef[];
  readonly frame: ServerFrame;
}

/**
 * What gateways tell each other that is worth nothing a moment later.
 * Order and delivery are not promised, `send` never throws: while what carries them is away they are lost.
 */
export interface Signals {
  /** To one gateway: one message, however many sessions it is for. */
  send(gatewayId: string, signal: SignalledFrame): Promise<void>;
  /** What is sent to this gateway from now on. Returns the call that ends it. */
  receive(gatewayId: string, listener: (signal: SignalledFrame) => void): () => void;
}
