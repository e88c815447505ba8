import express, { type Express, type NextFunction, type Request, type Response } from 'express';

import { DomainError } from '../../protocol/errors.js';
import { restCalls, type RestCall, type RestOperation } from '../../protocol/rest/contract.js';
import { accountHandlers } from './accounts.js';
import { answerCall, type AnyHandler } from './answer-call.js';
import { conversationHandlers } from './conversations.js';
import { crossOrigin } from './cross-origin.js';
import { deviceHandlers } from './devices.js';
import { createDocsPage } from './docs-page.js';
import { prekeyHandlers } from './prekeys.js';
import { sendProblem } from './problems.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';
import { tokenHandlers } from './tokens.js';

/** Room for 200 prekeys of each kind in base64url. */
const maxBodyBytes = 1024 * 1024;

/** The REST edge: every call of the contract, its documentation, and a clear answer to everything else. */
export function createRestApp(dependencies: RestDependencies): Express {
  const { events, options } = dependencies;
  const handlers: RestHandlers = {
    ...accountHandlers(dependencies),
    ...tokenHandlers(dependencies),
    ...deviceHandlers(dependencies),
    ...prekeyHandlers(dependencies),
    ...conversationHandlers(dependencies),
  };
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple').set('case sensitive routing', true);
  app.use(secured, crossOrigin(options.allowedOrigins));
  app.use(createDocsPage());
  const parseBody = express.json({ limit: maxBodyBytes });
  const calls: [RestOperation, RestCall][] = Object.entries(restCalls) as [RestOperation, RestCall][];
  for (const [operation, call] of calls) {
    const route = app.route(routeOf(call));
    if (call.body !== undefined) route[call.method](parseBody);
    // The contract's table and the handlers' type name the same operations with the same shapes.
    const handler = handlers[operation] as AnyHandler;
    route[call.method](async (request: Request, response: Response) => {
      const startMs = performance.now();
      let status = 500;
      try {
        status = await answerCall(dependencies, call, handler, { request, response });
      } catch (error) {
        sendProblem(response, error, events);
        status = response.statusCode;
      }
      events.answered({ operation, status, tookMs: performance.now() - startMs });
    });
  }
  for (const path of new Set(calls.map(([, call]) => routeOf(call)))) {
    const allow = calls.filter(([, call]) => routeOf(call) === path).map(([, call]) => call.method.toUpperCase());
    app.all(path, (request, response) => {
      refuseMethod(request, response, allow);
    });
  }
  app.use(() => {
    throw new DomainError('not_found', 'there is no such resource; /docs lists what there is');
  });
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next(error);
    else sendProblem(response, error, events);
  });
  return app;

  function refuseMethod(request: Request, response: Response, allow: readonly string[]): void {
    const error = new DomainError('invalid_request', `${request.method}: this resource takes ${allow.join(', ')}`, { detail: { field: 'method' } });
    sendProblem(response, error, events, { Allow: allow.join(', ') });
  }
}

/** `/v1/accounts/{accountId}` as express writes it. */
function routeOf({ path }: RestCall): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function secured(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Referrer-Policy', 'no-referrer');
  next();
}
