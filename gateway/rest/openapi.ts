import { OpenApiGeneratorV31, OpenAPIRegistry, type ResponseConfig, type RouteConfig } from '@asteasolutions/zod-to-openapi';

import { errorCodes, type ErrorCode } from '../../protocol/errors.js';
import { restCalls } from '../../protocol/rest/contract.js';
import { problem } from '../../protocol/rest/problem.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';

const bearer = 'token';
const problemContent = { 'application/problem+json': { schema: problem } };
const retryAfter = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' as const } } };

/** The OpenAPI 3.1 document of every call in the contract. */
export function createOpenApi(): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', bearer, { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
  for (const [operationId, call] of Object.entries(restCalls)) registry.registerPath(routeConfig(operationId, call));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Heliograph REST API',
      version: '1',
      description:
        'Accounts, devices, prekeys, conversations and history. Messages go over the WebSocket (docs/protocol.md). Bytes are base64url without padding.',
      license: { name: 'AGPL-3.0-only', identifier: 'AGPL-3.0-only' },
    },
    servers: [{ url: '/' }],
  });
}

function routeConfig(operationId: string, call: RestCall): RouteConfig {
  const { method, path, tag, summary, open, params, query, body } = call;
  return {
    operationId,
    method,
    path,
    summary,
    tags: [tag],
    security: open === true ? [] : [{ [bearer]: [] }],
    request: {
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: { ...answersOf(call), ...problemsOf(call) },
  };
}

function answersOf({ answers }: RestCall): Record<string, ResponseConfig> {
  return Object.fromEntries(
    Object.entries(answers).map(([status, schema]): [string, ResponseConfig] => [
      status,
      schema === null ? { description: 'Done.' } : { description: 'Done.', content: { 'application/json': { schema } } },
    ]),
  );
}

/** Errors share statuses: each status lists its codes. */
function problemsOf({ open, errors, body }: RestCall): Record<string, ResponseConfig> {
  const codes = new Set<ErrorCode>([
    'invalid_request',
    ...(open === true ? [] : (['unauthenticated'] as const)),
    ...(body === undefined ? [] : (['too_large'] as const)),
    ...errors,
    'unavailable',
    'internal',
  ]);
  const statuses = new Set([...codes].map((code) => errorCodes[code].http));
  const answers = [...statuses].map((status): [string, ResponseConfig] => {
    const ofStatus = [...codes].filter((code) => errorCodes[code].http === status);
    const waits = ofStatus.some((code) => errorCodes[code].retryable && code !== 'internal');
    const description = ofStatus.map((code) => `\`${code}\`: ${errorCodes[code].meaning}`).join(' ');
    return [`${status}`, { description, ...(waits ? { headers: retryAfter } : {}), content: problemContent }];
  });
  if (body !== undefined) answers.push(['415', { description: '`invalid_request`: The body is not `application/json`.', content: problemContent }]);
  return Object.fromEntries(answers);
}
