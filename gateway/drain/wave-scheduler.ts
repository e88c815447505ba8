import type { Clock } from '../../ports/clock.js';
import type { DrainRequest, DurableWork } from '../../ports/durable-work.js';
import { deviceKey } from '../../protocol/ids.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';

const maxStartsInFlight = 2;
const maxDevicesPerWave = 200;
const maxWaiting = 100_000;
const firstPauseMs = 100;
const longestPauseMs = 2_000;

export interface WaveSchedulerDependencies {
  readonly gatewayId: string;
  readonly work: Pick<DurableWork, 'startDrainWave'>;
  readonly clock: Clock;
  readonly events: GatewayEvents;
  readonly signal: AbortSignal;
}

/** By device, so that a newer wish of the same device replaces an older one. */
type Wishes = Map<string, DrainRequest>;

/**
 * Group commit for drains: a wave starts at once while fewer than 2 starts are in flight; what arrives meanwhile, up to 200 devices, is the next wave.
 * So a single reconnect waits for nobody, and a herd goes in full waves, in turn with those who are not of it. While the engine is away starts are retried with back-off; the sessions' own
 * watchdogs drain them meanwhile.
 */
export class WaveScheduler {
  readonly #dependencies: WaveSchedulerDependencies;
  readonly #waiting: Wishes = new Map();
  readonly #waitingOfHerd: Wishes = new Map();
  /** Until the registry first gave a lease, the start time stands for its epoch, so that ids of waves stay unique. */
  #leaseEpoch: number;
  /** The last wave. */
  #wasHerd = true;
  #inFlight = 0;
  #number = 0;
  #away = false;

  constructor(dependencies: WaveSchedulerDependencies) {
    this.#dependencies = dependencies;
    this.#leaseEpoch = dependencies.clock.nowMs();
  }

  get engineIsAway(): boolean {
    return this.#away;
  }

  /** `ofHerd`: the device waited in line before it was let in. */
  request(request: DrainRequest, leaseEpoch: number | undefined, ofHerd: boolean): void {
    this.#leaseEpoch = leaseEpoch ?? this.#leaseEpoch;
    const key = deviceKey(request.device);
    const isOfHerd = this.#waitingOfHerd.has(key) || (ofHerd && !this.#waiting.has(key));
    const waiting = isOfHerd ? this.#waitingOfHerd : this.#waiting;
    // Above the bound a session is left to its watchdog, which drains it in this process.
    if (waiting.size >= maxWaiting && !waiting.has(key)) return;
    waiting.set(key, request);
    if (this.#inFlight < maxStartsInFlight) void this.#startWaves();
  }

  async #startWaves(): Promise<void> {
    this.#inFlight += 1;
    while (this.#waiting.size + this.#waitingOfHerd.size > 0 && !this.#dependencies.signal.aborted) await this.#startOne();
    this.#inFlight -= 1;
  }

  async #startOne(): Promise<void> {
    const { gatewayId, work, clock, events, signal } = this.#dependencies;
    // Not always after the others: there is always somebody who lost its network.
    const isHerd = this.#waiting.size === 0 || (this.#waitingOfHerd.size > 0 && !this.#wasHerd);
    this.#wasHerd = isHerd;
    const requests = firstOf(isHerd ? this.#waitingOfHerd : this.#waiting);
    this.#number += 1;
    const wave = { gatewayId, leaseEpoch: this.#leaseEpoch, number: this.#number, requests, ...(isHerd ? { isHerd } : {}) };
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      try {
        await work.startDrainWave(wave);
        this.#away = false;
        events.waveStarted(requests.length);
        return;
      } catch (error) {
        if (!this.#away) events.waveStartFailed(error);
        this.#away = true;
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
    }
  }
}

function firstOf(waiting: Wishes): readonly DrainRequest[] {
  const requests: DrainRequest[] = [];
  for (const [key, request] of waiting) {
    if (requests.length === maxDevicesPerWave) break;
    requests.push(request);
    waiting.delete(key);
  }
  return requests;
}
