import type { GatewayConnection, GatewayEndpoint, GatewayLink, PushAnswer } from '../../../ports/gateway-link.js';
import type { Environment, Owner } from './environment.js';

/** A gateway as links find it: a process that is replaced by another one under the same id. */
export interface LinkedGateway {
  readonly owner: Owner;
  readonly endpoint: GatewayEndpoint;
}

interface OpenConnection {
  readonly connection: GatewayConnection;
  lose(): void;
  readonly gateway: LinkedGateway;
}

let links = 0;

/** The links of one process to all gateways: in order each way, with delays, breaking when told. */
export class SimulatedLink implements GatewayLink {
  readonly #environment: Environment;
  readonly #owner: Owner;
  readonly #gateways: ReadonlyMap<string, LinkedGateway>;
  readonly #open = new Map<string, OpenConnection>();

  constructor(environment: Environment, owner: Owner, gateways: ReadonlyMap<string, LinkedGateway>) {
    this.#environment = environment;
    this.#owner = owner;
    this.#gateways = gateways;
    void this.#keepOpen();
  }

  to(gatewayId: string): GatewayConnection | undefined {
    return this.#open.get(gatewayId)?.connection;
  }

  break(gatewayId: string): void {
    this.#open.get(gatewayId)?.lose();
  }

  breakAll(): void {
    for (const { lose } of [...this.#open.values()]) lose();
  }

  async #keepOpen(): Promise<void> {
    const { clock } = this.#environment;
    while (!this.#owner.dead) {
      for (const [gatewayId, gateway] of this.#gateways) {
        const present = this.#open.get(gatewayId);
        if (present !== undefined && present.gateway !== gateway && present.gateway.owner.dead) present.lose();
        if (present === undefined && !gateway.owner.dead) this.#open.set(gatewayId, this.#connect(gatewayId, gateway));
      }
      await clock.sleep(this.#environment.between(50, 400));
    }
  }

  #connect(gatewayId: string, gateway: LinkedGateway): OpenConnection {
    const environment = this.#environment;
    const { clock } = environment;
    const linkId = `link-${++links}`;
    let up = true;
    const lost = new Set<() => void>();
    const ordered = (far: Owner) => {
      let lastMs = 0;
      return (run: () => void) => {
        lastMs = Math.max(lastMs + 0.001, clock.nowMs() + environment.latency(1, 10));
        clock.after(lastMs - clock.nowMs(), () => {
          if (up && !far.dead) run();
        });
      };
    };
    const there = ordered(gateway.owner);
    const back = ordered(this.#owner);
    const ask = <T>(work: () => T | Promise<T>, lostAnswer: T): Promise<T> =>
      new Promise((resolve) => {
        const lose = () => resolve(lostAnswer);
        lost.add(lose);
        there(() => {
          void Promise.resolve(work()).then((answer) => {
            back(() => {
              lost.delete(lose);
              resolve(answer);
            });
          });
        });
      });
    const { endpoint } = gateway;
    const connection: GatewayConnection = {
      gatewayId,
      linkId,
      push: (push, answer) => {
        const answers = push.targets.map((_, index) => {
          const answerOnce = once((given) => answer(index, given));
          lost.add(() => answerOnce('lost'));
          return answerOnce;
        });
        there(() => {
          endpoint.push(linkId, push, (index, given) => back(() => answers[index]?.(given)));
        });
      },
      nudge: (session, partition) => ask(() => endpoint.nudge(linkId, session, partition), { outcome: 'lost' }),
      signal: (sessions, frame) => there(() => endpoint.signal(sessions, frame)),
      openDrain: (device, token) => ask(() => endpoint.openDrain(device, token), { outcome: 'lost' }),
      drainPage: (ticket, page) => ask(() => endpoint.drainPage(ticket, page), 'lost'),
      finishDrain: (ticket) => ask(() => endpoint.finishDrain(ticket), 'lost'),
      giveUpDrain: (device, token) => ask(() => endpoint.giveUpDrain(device, token), 'lost'),
    };
    const lose = () => {
      if (!up) return;
      up = false;
      clock.after(environment.between(0, 2_500), () => {
        if (this.#open.get(gatewayId)?.connection === connection) this.#open.delete(gatewayId);
        if (this.#owner.dead) return;
        for (const tell of [...lost]) tell();
        lost.clear();
      });
      clock.after(environment.between(0, 2_500), () => {
        if (!gateway.owner.dead) endpoint.linkLost(linkId);
      });
    };
    return { connection, lose, gateway };
  }
}

function once(run: (answer: PushAnswer) => void): (answer: PushAnswer) => void {
  let done = false;
  return (answer) => {
    if (done) return;
    done = true;
    run(answer);
  };
}
