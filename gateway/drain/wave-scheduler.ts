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
  readonly work: DurableWork;
  readonly clock: Clock;
  readonly events: GatewayEvents;
  readonly signal: AbortSignal;
}

/**
 * Group commit for drains: a wave starts at once while fewer than 2 starts are in flight; what arrives meanwhile, up to 200 devices, is the next wave.
 * So a single reconnect waits for nobody, and a herd goes in full waves. While the engine is away starts are retried with back-off; the sessions' own
 * watchdogs drain them meanwhile.
 */
export class WaveScheduler {
  readonly #dependencies: WaveSchedulerDependencies;
  /** By device, so that a newer wish of the same device replaces an older one. */
  readonly #waiting = new Map<string, DrainRequest>();
  /** Until the registry first gave a lease, the start time stands for its epoch, so that ids of waves stay unique. */
  #leaseEpoch: number;
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

  request(request: DrainRequest, leaseEpoch: number | undefined): void {
    this.#leaseEpoch = leaseEpoch ?? this.#leaseEpoch;
    const key = deviceKey(request.device);
    // Above the bound a session is left to its watchdog, which drains it in this process.
    if (this.#waiting.size >= maxWaiting && !this.#waiting.has(key)) return;
    this.#waiting.set(key, request);
    if (this.#inFlight < maxStartsInFlight) void this.#startWaves();
  }

  async #startWaves(): Promise<void> {
    this.#inFlight += 1;
    while (this.#waiting.size > 0 && !this.#dependencies.signal.aborted) await this.#startOne();
    this.#inFlight -= 1;
  }

  async #startOne(): Promise<void> {
    const { gatewayId, work, clock, events, signal } = this.#dependencies;
    const requests = this.#take();
    this.#number += 1;
    const wave = { gatewayId, leaseEpoch: this.#leaseEpoch, number: this.#number, requests };
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

  #take(): DrainRequest[] {
    const requests: DrainRequest[] = [];
    for (const [key, request] of this.#waiting) {
      if (requests.length === maxDevicesPerWave) break;
      requests.push(request);
      this.#waiting.delete(key);
    }
    return requests;
  }
}
