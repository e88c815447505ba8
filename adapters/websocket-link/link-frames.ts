import { Packr } from 'msgpackr';

import type {
  DrainPage,
  DrainPageAnswer,
  DrainTicket,
  FinishDrainAnswer,
  GiveUpDrainAnswer,
  NudgeAnswer,
  OpenDrainAnswer,
  Push,
  PushAnswer,
  SessionRef,
} from '../../ports/gateway-link.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import type { ServerFrame } from '../../protocol/server-frames.js';

/** A frame ends after the value that took it above this. */
export const fullFrameBytes = 1024 * 1024;
/** The longest value: a push to a whole group, with its envelopes. */
export const maxFrameBytes = 16 * 1024 * 1024;

/** What one side asks of the other; `signal` has no answer. */
export type LinkCall =
  | readonly [id: number, method: 'push', push: Push]
  | readonly [id: number, method: 'nudge', session: SessionRef, partition: number]
  | readonly [id: number, method: 'signal', sessions: readonly SessionRef[], frame: ServerFrame]
  | readonly [id: number, method: 'openDrain', device: DeviceAddress, token: number]
  | readonly [id: number, method: 'drainPage', ticket: DrainTicket, page: DrainPage]
  | readonly [id: number, method: 'finishDrain', ticket: DrainTicket]
  | readonly [id: number, method: 'giveUpDrain', device: DeviceAddress, token: number];

export type LinkResult = NudgeAnswer | OpenDrainAnswer | DrainPageAnswer | FinishDrainAnswer | GiveUpDrainAnswer;

export type LinkAnswer = readonly [id: number, result: LinkResult] | readonly [id: number, targetIndex: number, answer: PushAnswer];

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

export function encodeLinkValue(value: LinkCall | LinkAnswer): Buffer {
  return packr.pack(value);
}

/** Throws on bytes that are no msgpack. */
export function decodeLinkFrame(frame: Buffer): unknown[] {
  return packr.unpackMultiple(frame) as unknown[];
}
