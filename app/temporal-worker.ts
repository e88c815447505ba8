import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

import { IllegalStateError } from '@temporalio/common';
import {
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type LogMetadata,
  type WorkerDeploymentOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';

import type { TemporalAddress } from '../adapters/temporal/temporal-connection.js';
import type { Clock } from '../ports/clock.js';
import type { Activities } from './activities.js';

/** How many tasks one worker process works at a time. */
export interface TemporalWorkerSlots {
  readonly workflowTasks: number;
  /** Each drains one wave, deletes files of one bucket, or looks after devices of a lost gateway. */
  readonly activities: number;
  readonly cachedWorkflows: number;
}

export interface TemporalWorkerOptions extends TemporalAddress {
  readonly activities: Activities;
  readonly slots: TemporalWorkerSlots;
  /** Opts in to Worker Versioning, as a deployment with the name of the task queue. */
  readonly buildId?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A prebuilt bundle; left out: the one beside this build, or the sources themselves when they run unbuilt. */
  readonly bundlePath?: string | undefined;
}

export interface TemporalWorker {
  /** Whether it is connected and polling. */
  isRunning(): boolean;
  /** Takes no more tasks, gives those under way `shutdownGraceMs`, then cancels them; Temporal hands them to another worker. */
  close(): Promise<void>;
}

const shutdownGraceMs = 2_000;
/** Heartbeats bring cancellations back, so they go out more often than the time-out needs. */
const heartbeatPauseMs = 2_000;
const probeTimeoutMs = 1_000;
const backoffMs = { first: 100, most: 5_000 };

/** Returns at once: connects when Temporal is there, and starts anew with backoff whenever the worker failed. */
export function startTemporalWorker(options: TemporalWorkerOptions): TemporalWorker {
  installRuntime(options.logger);
  const ending = new AbortController();
  let running = false;
  const ended = keepWorking(options, ending.signal, (now) => {
    running = now;
  });
  return {
    isRunning: () => running,
    close: async () => {
      ending.abort();
      await ended;
    },
  };
}

async function keepWorking(options: TemporalWorkerOptions, signal: AbortSignal, report: (running: boolean) => void): Promise<void> {
  const { logger, clock } = options;
  let pauseMs = backoffMs.first;
  while (!signal.aborted) {
    try {
      await work(options, signal, () => {
        pauseMs = backoffMs.first;
        report(true);
        logger.debug({ address: options.address }, 'temporal worker is polling');
      });
    } catch (error) {
      const level = pauseMs === backoffMs.first ? 'warn' : 'debug';
      logger[level]({ address: options.address, err: error }, 'temporal worker is not running, it starts when temporal is there');
    }
    report(false);
    await clock.sleep(pauseMs, signal).catch(() => undefined);
    pauseMs = Math.min(backoffMs.most, pauseMs * 2);
  }
}

/** One life of the worker, until the signal or its own failure. */
async function work(options: TemporalWorkerOptions, signal: AbortSignal, started: () => void): Promise<void> {
  await probe(options.address);
  const connection = await NativeConnection.connect({ address: options.address });
  try {
    const worker = await Worker.create({ connection, ...workerOptions(options) });
    started();
    await worker.runUntil(aborted(signal));
  } finally {
    await connection.close();
  }
}

function workerOptions({ namespace, taskQueue, activities, slots, buildId, bundlePath }: TemporalWorkerOptions): WorkerOptions {
  return {
    namespace,
    taskQueue,
    activities,
    ...workflowSource(bundlePath),
    ...(buildId === undefined ? {} : { workerDeploymentOptions: versioned(taskQueue, buildId) }),
    maxConcurrentWorkflowTaskExecutions: slots.workflowTasks,
    maxConcurrentActivityTaskExecutions: slots.activities,
    maxCachedWorkflows: slots.cachedWorkflows,
    workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 2, maximum: 10 },
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 2, maximum: 10 },
    shutdownGraceTime: shutdownGraceMs,
    maxHeartbeatThrottleInterval: heartbeatPauseMs,
  };
}

/** No workflow of ours runs for long, so each ends where it began, and its code need not be able to go on with what another version did. */
function versioned(deploymentName: string, buildId: string): WorkerDeploymentOptions {
  return { version: { deploymentName, buildId }, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' };
}

function workflowSource(bundlePath: string | undefined): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  if (bundlePath !== undefined) return { workflowBundle: { codePath: bundlePath } };
  const isBuilt = import.meta.url.endsWith('.js');
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  return isBuilt ? { workflowBundle: { codePath: path('../workflows/bundle.js') } } : { workflowsPath: path('../workflows/index.ts') };
}

/** The native connection retries for long and in silence; a plain connect tells at once. */
function probe(address: string): Promise<void> {
  const [host, port] = splitAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: probeTimeoutMs });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer from ${address} within ${probeTimeoutMs} ms`)));
    socket.once('error', reject);
  });
}

function splitAddress(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** One runtime for the whole process; the application, not the SDK, listens for signals. */
function installRuntime(logger: Logger): void {
  const write = (level: 'trace' | 'debug' | 'warn' | 'error') => (message: string, meta?: LogMetadata) => {
    logger[level]({ ...meta, text: message }, 'temporal sdk');
  };
  // What the SDK calls information (states of its worker, sizes of bundles) is for whoever looks for a fault.
  const log = { trace: write('trace'), debug: write('trace'), info: write('debug'), warn: write('warn'), error: write('error') };
  try {
    Runtime.install({
      shutdownSignals: [],
      logger: { ...log, log: (level, message, meta) => log[level.toLowerCase() as keyof typeof log](message, meta) },
      telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) } },
    });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}
