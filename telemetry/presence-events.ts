import { Counter, type Registry } from 'prom-client';

/** Who types and who is there, as gateways tell each other and devices: counted, not logged. */
export interface PresenceEvents {
  /** Somebody types: a message went to a gateway. */
  typingTold(): void;
  /** Too often. */
  typingDropped(): void;
  /** A change of an account that somebody here watches was heard. */
  presenceHeard(): void;
  /** Frames went to watchers. */
  presenceTold(frames: number): void;
}

export function createPresenceEvents(registry: Registry): PresenceEvents {
  const counter = (name: string, help: string) => new Counter({ name: `heliograph_gateway_${name}_total`, help, registers: [registry] });
  const typing = counter('typing_messages', 'Messages to gateways that somebody types.');
  const typingDrops = counter('typing_dropped', 'Frames that somebody types, dropped by the limit.');
  const presence = counter('presence_changes', 'Changes of watched accounts that were heard.');
  const presenceFrames = counter('presence_frames', 'Frames to watchers.');
  return {
    typingTold: () => typing.inc(),
    typingDropped: () => typingDrops.inc(),
    presenceHeard: () => presence.inc(),
    presenceTold: (frames) => presenceFrames.inc(frames),
  };
}
