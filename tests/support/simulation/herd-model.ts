import { randomBytes } from 'node:crypto';

import { createMemoryRateLimiter } from '../../../adapters/memory/rate-limiter.js';
import { createMemoryWaitingLine } from '../../../adapters/memory/waiting-line.js';
import { Doorkeeper } from '../../../gateway/admission/doorkeeper.js';
import { createTickets } from '../../../gateway/admission/tickets.js';
import { rateLimits } from '../../../protocol/limits.js';
import { newDevice } from '../drain-fixtures.js';
import { seededRandom } from '../seeded-random.js';
import { VirtualClock } from './virtual-clock.js';

export interface HerdPlan {
  readonly devices: number;
  /** That are left, and that these devices come to. */
  readonly gateways: number;
  /** Within which they come, as chance has it. */
  readonly withinMs: number;
}

export interface HerdFigures {
  /** Of one gateway, in any second of the clock. */
  readonly peakPerSecond: number;
  readonly hellosEach: number;
  readonly allBackMs: number;
}

/** A herd and the gateways' real doorkeepers, in virtual time: connections cost nothing, so gateways are always at their ease. */
export async function modelHerd({ devices, gateways, withinMs }: HerdPlan): Promise<HerdFigures> {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const stop = new AbortController();
  const parts = {
    rateLimiter: createMemoryRateLimiter(rateLimits, clock),
    line: createMemoryWaitingLine(clock),
    tickets: createTickets(randomBytes(32)),
    clock,
    admission: rateLimits.admission,
    drainingSessions: () => 0,
    events: { turnedAway: () => undefined, lineAway: () => undefined },
  };
  const doors = Array.from({ length: gateways }, (_, index) => new Doorkeeper({ ...parts, gatewayId: `gateway-${index}` }));
  const running = doors.map((door) => door.run(stop.signal));
  const letIn = doors.map(() => new Map<number, number>());
  let [hellos, allBackMs, left] = [0, 0, devices];
  const come = async (index: number, ticket?: string): Promise<void> => {
    hellos += 1;
    const at = index % gateways;
    const entry = await doors[at]?.enter(addresses[index] ?? newDevice(), ticket);
    if (entry?.outcome === 'later') {
      clock.after(entry.afterMs, () => void come(index, entry.ticket));
      return;
    }
    const second = Math.floor(clock.nowMs() / 1_000);
    letIn[at]?.set(second, (letIn[at].get(second) ?? 0) + 1);
    allBackMs = clock.nowMs();
    left -= 1;
  };
  const addresses = Array.from({ length: devices }, () => newDevice());
  addresses.forEach((_, index) => clock.after(random() * withinMs, () => void come(index)));
  while (left > 0) await clock.step(Infinity);
  stop.abort();
  await Promise.all(running);
  return { peakPerSecond: Math.max(...letIn.flatMap((seconds) => [...seconds.values()])), hellosEach: hellos / devices, allBackMs };
}
