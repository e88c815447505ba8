import { percentile } from '../report/percentile.js';
import { Link } from './link.js';
import type { LoadPair, Wire } from './wire.js';

/** p99, in ms. */
export interface TalkFigures {
  readonly accepted: number;
  readonly delivered: number;
}

/** Pairs of which one end sends at a steady rate, and who notes how long each message took. */
export class Talk {
  readonly #links: Link[] = [];
  readonly #startedMs = new Map<string, number>();
  readonly #accepted: { readonly atMs: number; readonly tookMs: number }[] = [];
  readonly #delivered: { readonly atMs: number; readonly tookMs: number }[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #senders: ((number: number) => void)[] = [];
  /** By pair: numbers that the server accepted. */
  readonly accepted = new Map<number, Set<number>>();

  /** `bothEnds`: the receivers connect too, at the same url. */
  static async open({
    url,
    wire,
    pairs,
    bothEnds,
  }: {
    readonly url: string;
    readonly wire: Wire;
    readonly pairs: readonly LoadPair[];
    readonly bothEnds: boolean;
  }): Promise<Talk> {
    const talk = new Talk();
    await Promise.all(pairs.map((pair, index) => talk.#open({ url, wire, pair, index, bothEnds })));
    return talk;
  }

  /** Each pair says something every so many ms, until `end`. */
  begin(everyMs: number): void {
    this.#senders.forEach((send, index) => {
      let number = 0;
      const say = () => {
        number += 1;
        send(number);
      };
      const first = setTimeout(
        () => {
          say();
          this.#timers.push(setInterval(say, everyMs));
        },
        (everyMs * index) / this.#senders.length,
      );
      this.#timers.push(first);
    });
  }

  end(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Of what was sent in that time. */
  since(fromMs: number, untilMs: number): TalkFigures {
    const within = (list: readonly { readonly atMs: number; readonly tookMs: number }[]) => {
      const sent = list.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs);
      return percentile(
        sent.map(({ tookMs }) => tookMs),
        0.99,
      );
    };
    return { accepted: within(this.#accepted), delivered: within(this.#delivered) };
  }

  async close(): Promise<void> {
    this.end();
    await Promise.all(this.#links.map((link) => link.close()));
  }

  async #open({ url, wire, pair, index, bothEnds }: { url: string; wire: Wire; pair: LoadPair; index: number; bothEnds: boolean }): Promise<void> {
    const accepted = new Set<number>();
    this.accepted.set(index, accepted);
    const note = (list: { atMs: number; tookMs: number }[], number: number) => {
      const atMs = this.#startedMs.get(`${index}/${number}`);
      if (atMs !== undefined) list.push({ atMs, tookMs: performance.now() - atMs });
    };
    const lost = (code: number | string): never => {
      throw new Error(`a session of somebody who only talks ended or was refused: ${code}`);
    };
    const events = {
      accepted: (number: number) => {
        accepted.add(number);
        note(this.#accepted, number);
      },
      delivered: (number: number) => {
        note(this.#delivered, number);
      },
      receipted: () => undefined,
      refused: lost,
      lost,
    };
    const sender = new Link({ url, wire, device: pair.sender }, events);
    this.#links.push(sender);
    await sender.opened;
    if (bothEnds) {
      const receiver = new Link({ url, wire, device: pair.receiver }, events);
      this.#links.push(receiver);
      await receiver.opened;
    }
    const encode = wire.messages(pair);
    this.#senders[index] = (number) => {
      this.#startedMs.set(`${index}/${number}`, performance.now());
      sender.send(encode(number));
    };
  }
}
