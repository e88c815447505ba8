import type { DrainPageAnswer, GatewayConnection, GatewayEndpoint, GatewayLink, PushAnswer } from '../../ports/gateway-link.js';

export interface InProcessGatewayLink {
  readonly link: GatewayLink;
  attach(endpoint: GatewayEndpoint): void;
  /** The gateway goes: what is open is answered `lost`. */
  detach(gatewayId: string): void;
}

/** Router and gateway in one process: calls are plain calls, so an answer may come before `push` returns. */
export function createInProcessGatewayLink(): InProcessGatewayLink {
  const connections = new Map<string, InProcessConnection>();
  let links = 0;
  return {
    link: { to: (gatewayId) => connections.get(gatewayId) },
    attach: (endpoint) => {
      connections.get(endpoint.gatewayId)?.lose();
      links += 1;
      connections.set(endpoint.gatewayId, new InProcessConnection(endpoint, `in-process-${links}`));
    },
    detach: (gatewayId) => {
      connections.get(gatewayId)?.lose();
      connections.delete(gatewayId);
    },
  };
}

class InProcessConnection implements GatewayConnection {
  readonly gatewayId: string;
  readonly linkId: string;
  readonly #endpoint: GatewayEndpoint;
  readonly #open = new OpenCalls();
  #lost = false;

  constructor(endpoint: GatewayEndpoint, linkId: string) {
    this.gatewayId = endpoint.gatewayId;
    this.linkId = linkId;
    this.#endpoint = endpoint;
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
    const call = this.#open.add(lose);
    this.#endpoint.push(this.linkId, push, (index: number, given: PushAnswer) => {
      if (!unanswered.delete(index)) return;
      if (unanswered.size === 0) this.#open.remove(call);
      answer(index, given);
    });
  }

  nudge(...[session, partition]: Parameters<GatewayConnection['nudge']>) {
    return Promise.resolve(this.#lost ? ({ outcome: 'lost' } as const) : this.#endpoint.nudge(this.linkId, session, partition));
  }

  signal(...[sessions, frame]: Parameters<GatewayConnection['signal']>): void {
    if (!this.#lost) this.#endpoint.signal(sessions, frame);
  }

  openDrain(...[device, token]: Parameters<GatewayConnection['openDrain']>) {
    return Promise.resolve(this.#lost ? ({ outcome: 'lost' } as const) : this.#endpoint.openDrain(device, token));
  }

  drainPage(...[ticket, page]: Parameters<GatewayConnection['drainPage']>): Promise<DrainPageAnswer> {
    if (this.#lost) return Promise.resolve('lost');
    return new Promise((resolve) => {
      const call = this.#open.add(() => {
        resolve('lost');
      });
      void this.#endpoint.drainPage(ticket, page).then((answer) => {
        this.#open.remove(call);
        resolve(answer);
      });
    });
  }

  finishDrain(...[ticket]: Parameters<GatewayConnection['finishDrain']>) {
    return Promise.resolve(this.#lost ? 'lost' : this.#endpoint.finishDrain(ticket));
  }

  giveUpDrain(...[device, token]: Parameters<GatewayConnection['giveUpDrain']>) {
    return Promise.resolve(this.#lost ? 'lost' : this.#endpoint.giveUpDrain(device, token));
  }

  lose(): void {
    this.#lost = true;
    this.#open.loseAll();
    this.#endpoint.linkLost(this.linkId);
  }
}

interface OpenCall {
  readonly lose: () => void;
  index: number;
}

/**
 * Calls without their answer. An array, because a Set that so much goes through makes a new table every few calls, and each dead table refers to the next one: once the first of
 * them is old, all that they hold lives until the next collection of everything.
 */
class OpenCalls {
  readonly #calls: OpenCall[] = [];

  add(lose: () => void): OpenCall {
    const call = { lose, index: this.#calls.length };
    this.#calls.push(call);
    return call;
  }

  /** The last one takes its place. */
  remove(call: OpenCall): void {
    const last = this.#calls.pop();
    if (last === undefined || last === call) return;
    last.index = call.index;
    this.#calls[call.index] = last;
  }

  loseAll(): void {
    for (const { lose } of this.#calls.splice(0)) lose();
  }
}
