import { Counter, type Registry } from 'prom-client';

/** How far channels are, as gateways hear and tell it: counted, not logged. */
export interface ChannelEvents {
  /** Of a channel that somebody here watches. */
  headHeard(): void;
  /** Frames went to watchers. */
  headsTold(frames: number): void;
}

export function createChannelEvents(registry: Registry): ChannelEvents {
  const counter = (name: string, help: string) => new Counter({ name: `heliograph_gateway_${name}_total`, help, registers: [registry] });
  const heard = counter('channel_heads', 'Heads of watched channels that were heard.');
  const frames = counter('channel_head_frames', 'Frames to sessions that watch channels.');
  return {
    headHeard: () => heard.inc(),
    headsTold: (count) => frames.inc(count),
  };
}
