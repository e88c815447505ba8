import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { makeTelemetryFilterString, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';

import type { Activities } from '../../app/activities.js';
import { drainTaskQueue } from './drain-task-queue.js';

const root = resolve('.');
const binaries = join(root, '.tools', 'temporal', 'bin');

/** The servers come from scripts/prepare.mjs; both take a free port. */
function executable(name: 'temporal' | 'temporal-test-server'): { type: 'existing-path'; path: string } {
  const path = join(binaries, name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run node scripts/prepare.mjs`);
  return { type: 'existing-path', path };
}

/** Path of the program that operators use. */
export function temporalCli(): string {
  return executable('temporal').path;
}

let quiet = false;
/** The SDK's own log lines say nothing that a test's result does not. */
export function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  const ignore = () => undefined;
  Runtime.install({
    shutdownSignals: [],
    logger: { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore },
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}

/** A server whose clock jumps over timers while nothing else happens. */
export function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  return TestWorkflowEnvironment.createTimeSkipping({ server: { executable: executable('temporal-test-server') } });
}

/** A real dev server in memory. */
export function startDevServer(
  options: { readonly port?: number; readonly dbFilename?: string; readonly extraArgs?: string[] } = {},
): Promise<TestWorkflowEnvironment> {
  quietRuntime();
  return TestWorkflowEnvironment.createLocal({
    server: { executable: executable('temporal'), ui: false, log: { format: 'pretty', level: 'error' }, ...options },
  });
}

/** Path of the bundle of these workflows; built once for all test files and again only when its sources change. */
export function workflowBundle(workflowsPath = 'workflows/index.ts'): string {
  const sources = ['workflows', 'core', 'protocol', 'tests/support/changed-workflows'].flatMap(filesUnder).sort();
  const hash = createHash('sha256').update(workflowsPath).update(readFileSync('package-lock.json'));
  for (const file of sources) hash.update(file).update(readFileSync(file));
  const bundle = join(root, 'node_modules', '.cache', 'heliograph', `workflows-${hash.digest('hex').slice(0, 16)}.js`);
  if (existsSync(bundle)) return bundle;
  const built = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/bundle-workflows.ts', bundle, workflowsPath], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (built.status !== 0) throw new Error(`bundling ${workflowsPath} failed: ${built.stderr}`);
  return bundle;
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

/** A worker that heartbeats and shuts down quickly. */
export function createTestWorker(
  env: TestWorkflowEnvironment,
  activities: Partial<Activities>,
  options: Partial<WorkerOptions> = {},
): Promise<Worker> {
  return Worker.create({
    connection: env.nativeConnection,
    namespace: env.namespace ?? 'default',
    taskQueue: drainTaskQueue,
    activities,
    workflowBundle: { codePath: workflowBundle() },
    maxHeartbeatThrottleInterval: '100 milliseconds',
    shutdownGraceTime: '1 second',
    ...options,
  });
}
