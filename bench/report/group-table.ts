import type { GroupMeasurement } from '../scenarios/measure-group.js';
import { madeBy, table, type Made } from './benchmark-tables.js';

/** Markdown: where the figures come from, then one row. */
export function renderGroup({ group: { target, plan, latency, each }, ...made }: Made & { readonly group: GroupMeasurement }): string {
  const heads = [
    ...['server', 'members'],
    ...['accepted p50 / p99 ms', 'the last member has it p50 / p99 ms', 'the sender has all receipts p50 / p99 ms'],
    ...['look-ups', 'frames to gateways', 'history rows', 'inbox rows', 'watermarks', 'messages'],
  ];
  const times = [latency.accepted, latency.delivered, latency.receipted].map(({ p50Ms, p99Ms }) => `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)}`);
  const counts = [each.lookups, each.frames, each.historyRows, each.inboxRows, each.watermarks].map((count) => `${Number(count.toFixed(2))}`);
  return [madeBy(made), table(heads, [[target, `${plan.members}`, ...times, ...counts, `${plan.messages}`]])].join('\n');
}
