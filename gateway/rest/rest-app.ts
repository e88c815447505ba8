import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';

import { DomainError } from '../../protocol/errors.js';
import { restCalls, type RestOperation } from '../../protocol/rest/contract.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';
import { accountHandlers } from './accounts.js';
import { answerCall, type AnyHandler } from './answer-call.js';
import { answerBlobRequest, blobFilesRoute } from './blob-files.js';
import { channelHandlers } from './channels.js';
import { conversationHandlers } from './conversations.js';
import { crossOrigin } from './cross-origin.js';
import { deviceHandlers } from './devices.js';
import { createDocsPage } from './docs-page.js';
import { groupHandlers } from './groups.js';
import { linkHandlers } from './links.js';
import { mediaHandlers } from './media.js';
import { messageHandlers } from './messages.js';
import { prekeyHandlers } from './prekeys.js';
import { privacyHandlers } from './privacy.js';
import { HttpRefusal, sendProblem } from './problems.js';
import { pushHandlers } from './push.js';
import { removalHandlers } from './removals.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';
import { tokenHandlers } from './tokens.js';

/** What requests are counted under that are for no call of the contract. */
const noOperation = 'none';
const blobOperation = 'blob';

/** The REST edge: every call of the contract, its documentation, and a clear answer to everything else. */
export function createRestApp(dependencies: RestDependencies): Express {
  const { events, options, blobFiles } = dependencies;
  const handlers = handlersOf(dependencies);
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple').set('case sensitive routing', true);
  app.set('trust proxy', options.trustedProxies);
  app.use(secured, crossOrigin(options.allowedOrigins));
  app.use(createDocsPage());
  if (blobFiles !== undefined)
    app.all(
      blobFilesRoute,
      counted(blobOperation, (request, response) => answerBlobRequest(blobFiles, request, response)),
    );
  const methodsOf = new Map<string, string[]>();
  for (const [operation, call] of Object.entries(restCalls) as [RestOperation, RestCall][]) {
    const route = routeOf(call);
    // The contract's table and the handlers' type name the same operations with the same shapes.
    const handler = handlers[operation] as AnyHandler;
    app[call.method](
      route,
      counted(operation, (request, response) => answerCall(dependencies, call, handler, { request, response })),
    );
    methodsOf.set(route, [...(methodsOf.get(route) ?? []), ...(call.method === 'get' ? ['GET', 'HEAD'] : [call.method.toUpperCase()])]);
  }
  for (const [route, methods] of methodsOf) {
    const allowed = methods.join(', ');
    app.all(
      route,
      counted(noOperation, ({ method }) => {
        throw new HttpRefusal(`${method}: this resource takes ${allowed}`, { status: 405, field: 'method', headers: { Allow: allowed } });
      }),
    );
  }
  app.use(
    counted(noOperation, () => {
      throw new DomainError('not_found', 'there is no such resource; /docs lists what there is');
    }),
  );
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next(error);
    else sendProblem(response, error, events);
  });
  return app;

  function counted(
    operation: RestOperation | typeof noOperation | typeof blobOperation,
    answer: (request: Request, response: Response) => Promise<void> | void,
  ): RequestHandler {
    return async (request, response) => {
      const startMs = performance.now();
      try {
        await answer(request, response);
      } catch (error) {
        sendProblem(response, error, events);
      }
      events.answered({ operation, status: response.statusCode, tookMs: performance.now() - startMs });
    };
  }
}

function handlersOf(dependencies: RestDependencies): RestHandlers {
  return {
    ...accountHandlers(dependencies),
    ...removalHandlers(dependencies),
    ...tokenHandlers(dependencies),
    ...deviceHandlers(dependencies),
    ...linkHandlers(dependencies),
    ...pushHandlers(dependencies),
    ...prekeyHandlers(dependencies),
    ...conversationHandlers(dependencies),
    ...groupHandlers(dependencies),
    ...channelHandlers(dependencies),
    ...messageHandlers(dependencies),
    ...mediaHandlers(dependencies),
    ...privacyHandlers(dependencies),
  };
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
