import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

import type { EventLog, Topic } from '../ports/event-log.js';

/** In ms. Each look at the event loop is a wake-up, also of a process that has nothing to do. */
const eventLoopMonitoringPrecision = 50;

/** What Prometheus reads: the process, and whatever the rooms register. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'heliograph_', eventLoopMonitoringPrecision });
  return registry;
}

/** `end - committed` of every partition, asked when Prometheus asks. */
export function observeLag(registry: Registry, eventLog: EventLog, groups: readonly { readonly topic: Topic; readonly group: string }[]): void {
  new Gauge({
    name: 'heliograph_log_lag_records',
    help: 'Records of a partition that a consumer group has not finished.',
    labelNames: ['topic', 'group', 'partition'],
    registers: [registry],
    async collect() {
      for (const { topic, group } of groups) {
        for (const { partition, end, committed } of await eventLog.progress(topic, group)) this.set({ topic, group, partition }, end - committed);
      }
    },
  });
}

/** A number that is asked for when Prometheus asks. */
export function observeNumber(registry: Registry, metric: { readonly name: string; readonly help: string }, read: () => number): void {
  new Gauge({
    ...metric,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
