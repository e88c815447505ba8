import { InFlight } from './in-flight.js';
import { Link, type LinkEvents } from './link.js';
import type { Recorder } from './recorder.js';
import type { Encoded, LoadPair, Wire } from './wire.js';

export interface PairDriverOptions {
  readonly url: string;
  readonly wire: Wire;
  readonly pair: LoadPair;
  readonly localAddress: string | undefined;
}

/** Sends a pair's messages one way and follows them to their receipts. */
export class PairDriver {
  readonly #inFlight: InFlight;
  readonly #recorder: Recorder;
  readonly #sender: Link;
  readonly #receiver: Link;
  readonly #encode: (number: number) => Encoded;
  #lost = false;
  readonly #ended: (pair: PairDriver, count: number) => void;

  /** `ended` is told of every exchange that ended, so that a closed loop can begin the next. */
  constructor({ url, wire, pair, localAddress }: PairDriverOptions, recorder: Recorder, ended: (pair: PairDriver, count: number) => void) {
    this.#recorder = recorder;
    this.#inFlight = new InFlight(recorder);
    this.#ended = ended;
    this.#encode = wire.messages(pair);
    const { sender, receiver } = pair;
    const events = this.#events();
    this.#sender = new Link({ url, wire, device: sender, peer: receiver, localAddress }, events);
    this.#receiver = new Link({ url, wire, device: receiver, peer: sender, localAddress }, events);
  }

  /** Both ends are connected. */
  async open(): Promise<void> {
    await Promise.all([this.#sender.opened, this.#receiver.opened]);
  }

  get unfinished(): number {
    return this.#inFlight.size;
  }

  /** Answers may still come. */
  get connected(): boolean {
    return !this.#lost;
  }

  /** `intendedAtMs`: when it should have been sent, as `performance.now()` counts. */
  send(intendedAtMs: number): void {
    this.#recorder.sent(intendedAtMs, performance.now());
    this.#sender.send(this.#encode(this.#inFlight.add(intendedAtMs)));
  }

  async close(): Promise<void> {
    await Promise.all([this.#sender.close(), this.#receiver.close()]);
  }

  #events(): LinkEvents {
    const inFlight = this.#inFlight;
    const recorder = this.#recorder;
    const end = (count: number): void => {
      if (count > 0) this.#ended(this, count);
    };
    return {
      accepted: (number, position) => {
        end(inFlight.accepted(number, position, performance.now()));
      },
      delivered: (number) => {
        inFlight.delivered(number, performance.now());
      },
      receipted: (position) => {
        end(inFlight.receipted(position, performance.now()));
      },
      refused: (code, number) => {
        recorder.refused(code);
        if (number !== undefined) end(inFlight.refused(number, performance.now()));
      },
      lost: (code) => {
        this.#lost = true;
        recorder.refused(`socket closed ${code}`);
      },
    };
  }
}
