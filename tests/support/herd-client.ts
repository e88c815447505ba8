import { setTimeout as sleep } from 'node:timers/promises';

import { localAddress } from '../../bench/load/local-addresses.js';
import type { LoadDevice } from '../../bench/load/wire.js';
import { closeCodes } from '../../protocol/close-codes.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { RawClient } from './raw-client.js';

export interface HerdRecord {
  /** When it was let in. */
  readonly welcomedAtMs: number;
  /** How long it was told to wait, each time that it was turned away. */
  readonly waitsMs: readonly number[];
  /** How often its hello came too late. */
  readonly latecomings: number;
}

/** One device of many that connect at once: comes back when it is told to, as often as it takes, and stays. */
export class HerdClient {
  readonly #url: string;
  readonly #device: LoadDevice;
  readonly #localAddress: string | undefined;
  readonly #leaving = new AbortController();
  #client: RawClient | undefined;

  constructor(url: string, device: LoadDevice, index: number) {
    this.#url = url;
    this.#device = device;
    this.#localAddress = localAddress(new URL(url).hostname, index);
  }

  /** Rejects when the server says anything but `welcome` or `reconnect`, or closes for another reason than an overload or a late hello. */
  async getIn(): Promise<HerdRecord> {
    const waitsMs: number[] = [];
    let latecomings = 0;
    for (let connection = 1; ; connection += 1) {
      const afterMs = await this.#tryOnce(connection);
      if (afterMs === 'in') return { welcomedAtMs: Date.now(), waitsMs, latecomings };
      if (afterMs === 'late') latecomings += 1;
      else {
        waitsMs.push(afterMs);
        await sleep(afterMs, undefined, { signal: this.#leaving.signal });
      }
    }
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** Gives up, whether it is in or not. */
  leave(): void {
    this.#leaving.abort();
    this.#client?.terminate();
  }

  /** How long to wait, if it was turned away. */
  async #tryOnce(connection: number): Promise<number | 'in' | 'late'> {
    const options = this.#localAddress === undefined ? {} : { localAddress: this.#localAddress };
    let answered: (frame: ServerFrame) => void = () => undefined;
    const answers = new Promise<ServerFrame>((resolve) => {
      answered = resolve;
    });
    const client = await RawClient.connect(`${this.#url}?account=${this.#device.accountId}`, 'msgpack', options, (frame) => {
      answered(frame);
    });
    client.send({ type: 'hello', token: this.#device.token, connection, device: { name: 'herd', version: '1' } });
    const answer = await Promise.race([answers, client.closed]);
    if ('code' in answer && !('type' in answer)) {
      if (answer.code === closeCodes.helloTimeout.code) return 'late';
      throw new Error(`closed with ${answer.code} before an answer`);
    }
    if (answer.type === 'welcome') {
      this.#client = client;
      void client.closed.then(() => {
        this.#client = undefined;
      });
      return 'in';
    }
    const { code } = await client.closed;
    if (answer.type !== 'reconnect' || code !== closeCodes.overloaded.code) throw new Error(`${JSON.stringify(answer)}, closed with ${code}`);
    return answer.afterMs;
  }
}
