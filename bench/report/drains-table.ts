import type { CpuSpent } from '../process/measure-cpu.js';
import type { DrainMeasurement } from '../scenarios/measure-drains.js';
import { madeBy, table, type Made } from './benchmark-tables.js';
import { acceptedAndDelivered, coreMs, seconds } from './cells.js';
import { leastCpuMs } from './load-figures.js';

/** Markdown: where the figures come from, then one row. */
export function renderDrains({ drains, ...made }: Made & { readonly drains: DrainMeasurement }): string {
  const { target, devices, messagesEach, waves, tookMs, waitP50Ms, waitP99Ms, cpu, before, during, missing, doubled, outOfOrder } = drains;
  const heads = [
    ...['server', 'devices x messages', 'drain waves', 'all drained after', 'messages/s', 'a device has all p50 / p99 after its welcome'],
    ...['server core-ms per message', 'p99 of others before: accepted / delivered ms', 'meanwhile', 'missing / came twice / out of order'],
  ];
  const perSecond = (devices * messagesEach) / (tookMs / 1_000);
  const row = [
    ...[target, `${devices.toLocaleString('en')} x ${messagesEach}`, `${waves}`, seconds(tookMs), Math.round(perSecond).toLocaleString('en')],
    ...[
      `${seconds(waitP50Ms)} / ${seconds(waitP99Ms)}`,
      cpuOf(cpu, devices * messagesEach),
      acceptedAndDelivered(before),
      acceptedAndDelivered(during),
    ],
    `${missing} / ${doubled} / ${outOfOrder}`,
  ];
  return [madeBy(made), table(heads, [row])].join('\n');
}

function cpuOf(cpu: CpuSpent | undefined, messages: number): string {
  const others = Object.entries(cpu?.childrenMs ?? {}).map(([name, ms]) => [name, ms / messages] as const);
  return coreMs(cpu && cpu.ownMs / messages, Object.fromEntries(others.filter(([, ms]) => ms >= leastCpuMs)));
}
