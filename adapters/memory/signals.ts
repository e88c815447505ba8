import type { SignalledFrame, Signals } from '../../ports/signals.js';

/** Among the gateways of one process; listeners run after `send` returned. */
export function createMemorySignals(): Signals {
  const listeners = new Map<string, (signal: SignalledFrame) => void>();
  return {
    send: (gatewayId, signal) => {
      queueMicrotask(() => listeners.get(gatewayId)?.(signal));
      return Promise.resolve();
    },
    receive: (gatewayId, listener) => {
      listeners.set(gatewayId, listener);
      return () => listeners.delete(gatewayId);
    },
  };
}
