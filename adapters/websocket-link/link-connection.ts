import type { WebSocket } from 'ws';

import type {
  DrainPageAnswer,
  FinishDrainAnswer,
  GatewayConnection,
  GiveUpDrainAnswer,
  NudgeAnswer,
  OpenDrainAnswer,
} from '../../ports/gateway-link.js';
import type { LinkAnswer, LinkCall, LinkResult } from './link-frames.js';
import { LinkSocket } from './link-socket.js';

type Method = Exclude<LinkCall[1], 'push' | 'signal'>;
/** A call as it is written here: its number is added. */
type Call<Name extends LinkCall[1]> = LinkCall extends infer Of ? (Of extends readonly [number, Name, ...infer Values] ? Values : never) : never;

interface OpenCall {
  answered(answer: LinkAnswer): boolean;
  lose(): void;
}

const lostOutcome = { outcome: 'lost' } as const;

/** The caller's end of one link, for as long as it holds. */
export class LinkConnection implements GatewayConnection {
  readonly gatewayId: string;
  readonly linkId: string;
  readonly #socket: LinkSocket;
  readonly #open = new OpenCalls();
  #lost = false;

  constructor(gatewayId: string, linkId: string, ws: WebSocket, lost: (why: string) => void) {
    this.gatewayId = gatewayId;
    this.linkId = linkId;
    this.#socket = new LinkSocket(ws, {
      asks: true,
      received: (value) => {
        this.#answered(value as LinkAnswer);
      },
      lost: (why) => {
        this.#lost = true;
        lost(why);
        this.#open.loseAll();
      },
    });
  }

  push(...[push, answer]: Parameters<GatewayConnection['push']>): void {
    const unanswered = new Set(push.targets.keys());
    const lose = () => {
      for (const index of unanswered) answer(index, 'lost');
      unanswered.clear();
    };
    if (this.#lost) {
      lose();
      return;
    }
    const id = this.#open.add({
      lose,
      answered: ([, index, given]) => {
        if (given !== undefined && typeof index === 'number' && unanswered.delete(index)) answer(index, given);
        return unanswered.size === 0;
      },
    });
    this.#socket.send([id, 'push', push]);
  }

  nudge(...call: Call<'nudge'>): Promise<NudgeAnswer> {
    return this.#ask<NudgeAnswer>(lostOutcome, (id) => [id, 'nudge', ...call]);
  }

  signal(...call: Call<'signal'>): void {
    if (!this.#lost) this.#socket.send([0, 'signal', ...call]);
  }

  openDrain(...call: Call<'openDrain'>): Promise<OpenDrainAnswer> {
    return this.#ask<OpenDrainAnswer>(lostOutcome, (id) => [id, 'openDrain', ...call]);
  }

  drainPage(...call: Call<'drainPage'>): Promise<DrainPageAnswer> {
    return this.#ask<DrainPageAnswer>('lost', (id) => [id, 'drainPage', ...call]);
  }

  finishDrain(...call: Call<'finishDrain'>): Promise<FinishDrainAnswer> {
    return this.#ask<FinishDrainAnswer>('lost', (id) => [id, 'finishDrain', ...call]);
  }

  giveUpDrain(...call: Call<'giveUpDrain'>): Promise<GiveUpDrainAnswer> {
    return this.#ask<GiveUpDrainAnswer>('lost', (id) => [id, 'giveUpDrain', ...call]);
  }

  end(why: string): void {
    this.#socket.end(why);
  }

  #ask<Result extends LinkResult>(lost: Result, callOf: (id: number) => Extract<LinkCall, readonly [number, Method, ...unknown[]]>): Promise<Result> {
    if (this.#lost) return Promise.resolve(lost);
    return new Promise((resolve) => {
      const id = this.#open.add({
        lose: () => {
          resolve(lost);
        },
        answered: ([, result]) => {
          resolve(result as Result);
          return true;
        },
      });
      this.#socket.send(callOf(id));
    });
  }

  #answered(answer: LinkAnswer): void {
    const [id] = answer;
    if (this.#open.get(id)?.answered(answer) === true) this.#open.remove(id);
  }
}

/** Calls without their answer, by a number that is used again once it is free: every answer comes once, and a Map that so much goes through is hard on the garbage collector. */
class OpenCalls {
  readonly #calls: (OpenCall | undefined)[] = [];
  readonly #free: number[] = [];

  add(call: OpenCall): number {
    const id = this.#free.pop() ?? this.#calls.length;
    this.#calls[id] = call;
    return id;
  }

  get(id: number): OpenCall | undefined {
    return this.#calls[id];
  }

  remove(id: number): void {
    this.#calls[id] = undefined;
    this.#free.push(id);
  }

  loseAll(): void {
    for (const call of this.#calls.splice(0)) call?.lose();
    this.#free.length = 0;
  }
}
