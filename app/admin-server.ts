import { createServer, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Registry } from 'prom-client';

import type { OperatorApi } from './operator-api.js';

/** A probe has an answer before it gives up itself. */
const answerWithinMs = 800;

/** One thing that the server needs; `ok` is whether it answers now. */
export interface Dependency {
  readonly name: string;
  readonly ok: () => boolean | Promise<boolean>;
  /** Without it the server still serves: it is reported, and does not make the server unready. */
  readonly optional?: boolean;
}

export interface AdminServerOptions {
  readonly registry: Registry;
  readonly dependencies: readonly Dependency[];
  /** Whether new sessions are welcome: not while a gateway is being stopped. */
  readonly accepting: () => boolean;
  readonly operatorApi: OperatorApi;
}

/**
 * /healthz: the process answers. /readyz: what it needs is there, each by name. /accepting: 404 as soon as a load balancer is to send nobody new. /metrics: for Prometheus. /ops/: for operators.
 */
export function createAdminServer({ registry, dependencies, accepting, operatorApi }: AdminServerOptions): Server {
  return createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') answer(response, 405, 'text/plain', 'only GET\n');
    else if (path === '/healthz') answer(response, 200, 'text/plain', 'ok\n');
    else if (path === '/readyz') void ready(response, dependencies);
    else if (path === '/accepting') answer(response, accepting() ? 200 : 404, 'text/plain', accepting() ? 'yes\n' : 'no\n');
    else if (path === '/metrics') void metrics(response, registry);
    else if (path?.startsWith('/ops/')) void operator(response, operatorApi(request));
    else answer(response, 404, 'text/plain', 'there are /healthz, /readyz, /accepting, /metrics and /ops/\n');
  });
}

async function ready(response: ServerResponse, dependencies: readonly Dependency[]): Promise<void> {
  const states = await Promise.all(
    dependencies.map(async ({ name, ok, optional }) => ({ name, ok: await succeeds(ok), optional: optional ?? false })),
  );
  const isReady = states.every(({ ok, optional }) => ok || optional);
  const body = { ready: isReady, dependencies: Object.fromEntries(states.map(({ name, ok }) => [name, ok ? 'ok' : 'away'])) };
  answer(response, isReady ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
}

async function succeeds(check: () => boolean | Promise<boolean>): Promise<boolean> {
  const answered = new AbortController();
  try {
    return await Promise.race([check(), sleep(answerWithinMs, false, { signal: answered.signal })]);
  } catch {
    return false;
  } finally {
    answered.abort();
  }
}

async function metrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    answer(response, 200, registry.contentType, await registry.metrics());
  } catch {
    answer(response, 503, 'text/plain', 'metrics could not be read\n');
  }
}

async function operator(response: ServerResponse, answered: ReturnType<OperatorApi>): Promise<void> {
  const { status, body } = await answered;
  answer(response, status, status < 400 ? 'application/json' : 'application/problem+json', `${JSON.stringify(body)}\n`);
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
