import { createServer, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Registry } from 'prom-client';

import type { OperatorApi } from './operator-api.js';

/** A probe has an answer before it gives up itself. */
const answerWithinMs = 800;
/** Whoever was answered 503 may ask again after so long, if nothing else is known. */
const awayMs = 1_000;

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
    if (path?.startsWith('/ops/')) void operator(response, operatorApi(request));
    else if (request.method !== 'GET') answer(response, 405, text('only GET'));
    else if (path === '/healthz') answer(response, 200, text('ok'));
    else if (path === '/readyz') void ready(response, dependencies);
    else if (path === '/accepting') answer(response, accepting() ? 200 : 404, text(accepting() ? 'yes' : 'no'));
    else if (path === '/metrics') void metrics(response, registry);
    else answer(response, 404, text('there are /healthz, /readyz, /accepting, /metrics and /ops/'));
  });
}

async function ready(response: ServerResponse, dependencies: readonly Dependency[]): Promise<void> {
  const states = await Promise.all(
    dependencies.map(async ({ name, ok, optional }) => ({ name, ok: await succeeds(ok), optional: optional ?? false })),
  );
  const isReady = states.every(({ ok, optional }) => ok || optional);
  const body = { ready: isReady, dependencies: Object.fromEntries(states.map(({ name, ok }) => [name, ok ? 'ok' : 'away'])) };
  answer(response, isReady ? 200 : 503, { type: 'application/json', body: `${JSON.stringify(body)}\n` });
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
    answer(response, 200, { type: registry.contentType, body: await registry.metrics() });
  } catch {
    answer(response, 503, text('metrics could not be read'));
  }
}

async function operator(response: ServerResponse, answered: ReturnType<OperatorApi>): Promise<void> {
  const { status, body, retryAfterMs } = await answered;
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  answer(response, status, { type, body: `${JSON.stringify(body)}\n`, retryAfterMs });
}

interface Answer {
  readonly type: string;
  readonly body: string;
  readonly retryAfterMs?: number | undefined;
}

function text(line: string): Answer {
  return { type: 'text/plain', body: `${line}\n` };
}

function answer(response: ServerResponse, status: number, { type, body, retryAfterMs = status === 503 ? awayMs : undefined }: Answer): void {
  const retryAfter = retryAfterMs === undefined ? {} : { 'retry-after': `${Math.ceil(retryAfterMs / 1_000)}` };
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...retryAfter }).end(body);
}
