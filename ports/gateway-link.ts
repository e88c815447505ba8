import type { DeviceAddress } from '../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../protocol/server-frames.js';

/** One session of one device, as a router knows it from a look-up. */
export interface SessionRef {
  readonly device: DeviceAddress;
  readonly sessionEpoch: number;
}

/** One item for some sessions of one gateway. */
export interface Push {
  readonly partition: number;
  /** Without `envelope`: each target brings its own. */
  readonly item: DeliverItem;
  readonly targets: readonly PushTarget[];
}

export interface PushTarget extends SessionRef {
  /** The chain's stream number (core/stream.ts): a session takes a push only under the present number. */
  readonly stream: number;
  readonly envelope?: DeliverItem['envelope'];
}

/**
 * `delivered`: the device stored it and its receipt record is durable. `refused`: not now, write it to the inbox.
 * `gone`: there is no such session here. `lost`: the link broke before an answer came.
 */
export type PushAnswer = 'delivered' | 'refused' | 'gone' | 'lost';

export type NudgeAnswer = { readonly outcome: 'ok'; readonly stream: number } | { readonly outcome: 'gone' | 'lost' };

/** Names one attempt to drain one session: `token` is made by the session, `sub` by `openDrain`. */
export interface DrainTicket {
  readonly device: DeviceAddress;
  readonly token: number;
  readonly sub: number;
}

export interface DrainPage {
  readonly items: readonly DeliverItem[];
  /** The inbox held no more when the page was read: the session may hold pushes until it is live. */
  readonly short: boolean;
}

/** `sessionEpoch` names the session that is drained, for frames beside the pages (`signal`). */
export type OpenDrainAnswer =
  { readonly outcome: 'open'; readonly sub: number; readonly sessionEpoch: number } | { readonly outcome: 'superseded' | 'gone' | 'lost' };
/**
 * `parked`: the device did not ack in time; the session asks for a new drain when it hears from the device. `stuck`: nor did it ack a page before on this connection, and it answered in between;
 * `stuck-alone`: and of all that was sent nothing but this page's one item is un-acked.
 */
export type DrainPageAnswer = 'acked' | 'parked' | 'stuck' | 'stuck-alone' | 'superseded' | 'gone' | 'lost';
/** `more`: read the inbox again. `unleased`: the session is served but not registered; read again in a while. */
export type FinishDrainAnswer = 'live' | 'more' | 'unleased' | 'superseded' | 'gone' | 'lost';
/** `superseded`: the session has another token by now, or is live, and stays open. */
export type GiveUpDrainAnswer = 'closed' | 'superseded' | 'gone' | 'lost';

/**
 * One connection from this process to one gateway. In order. When it breaks, every open answer is `lost` and a new object with a new `linkId` takes its place;
 * a router counts stream numbers from 0 again for each.
 */
export interface GatewayConnection {
  readonly gatewayId: string;
  readonly linkId: string;
  /** `answer` is called exactly once for each target, by its index. */
  push(push: Push, answer: (targetIndex: number, answer: PushAnswer) => void): void;
  nudge(session: SessionRef, partition: number): Promise<NudgeAnswer>;
  /** Best effort, to every named session that is here. */
  signal(sessions: readonly SessionRef[], frame: ServerFrame): void;
  openDrain(device: DeviceAddress, token: number): Promise<OpenDrainAnswer>;
  drainPage(ticket: DrainTicket, page: DrainPage): Promise<DrainPageAnswer>;
  finishDrain(ticket: DrainTicket): Promise<FinishDrainAnswer>;
  /** All rounds failed: closes the session (4006) if it is still draining under this token. The device's reconnect is the retry. */
  giveUpDrain(device: DeviceAddress, token: number): Promise<GiveUpDrainAnswer>;
}

/** From routers, receipt handlers and drains to the gateways that hold sessions. */
export interface GatewayLink {
  /** `undefined` while there is no connection to that gateway. */
  to(gatewayId: string): GatewayConnection | undefined;
}

/** Receives what `GatewayConnection` sends; a gateway implements it, a link adapter calls it. */
export interface GatewayEndpoint {
  readonly gatewayId: string;
  push(linkId: string, push: Push, answer: (targetIndex: number, answer: PushAnswer) => void): void;
  nudge(linkId: string, session: SessionRef, partition: number): NudgeAnswer;
  signal(sessions: readonly SessionRef[], frame: ServerFrame): void;
  openDrain(device: DeviceAddress, token: number): OpenDrainAnswer;
  drainPage(ticket: DrainTicket, page: DrainPage): Promise<DrainPageAnswer>;
  finishDrain(ticket: DrainTicket): FinishDrainAnswer;
  giveUpDrain(device: DeviceAddress, token: number): GiveUpDrainAnswer;
  /** The link broke: its stream numbers and held pushes are void. */
  linkLost(linkId: string): void;
}
