import type { LoadReport } from '../load/generate-load.js';
import { stages, type LatencySummary } from '../load/recorder.js';

/** A run for people, one line a figure. */
export function renderLoadReport({ measuredMs, exchanges, exchangesPerSecond, latency, lateness, counts, unfinished }: LoadReport): string {
  const refused = Object.entries(counts.refused).map(([code, count]) => `${count} ${code}`);
  return [
    `exchanges   ${exchanges} in ${measuredMs / 1000} s = ${exchangesPerSecond.toFixed(1)}/s (message out, delivered receipt back)`,
    ...stages.map((stage) => `${stage.padEnd(11)} ${latencyLine(latency[stage])}`),
    `sent late   ${latencyLine(lateness)} (by this tool; part of the above)`,
    `messages    ${counts.sent} sent, ${counts.accepted} accepted, ${counts.delivered} delivered, ${counts.receipted} receipted`,
    `faults      ${unfinished} without receipt, ${counts.duplicates} delivered twice, refused: ${refused.length === 0 ? 'none' : refused.join(', ')}`,
  ].join('\n');
}

function latencyLine({ p50Ms, p95Ms, p99Ms, maxMs }: LatencySummary): string {
  const [p50, p95, p99, max] = [p50Ms, p95Ms, p99Ms, maxMs].map((value) => value.toFixed(1).padStart(8));
  return `p50 ${p50}   p95 ${p95}   p99 ${p99}   max ${max} ms`;
}
