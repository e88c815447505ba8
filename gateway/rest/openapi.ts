import { OpenApiGeneratorV31, OpenAPIRegistry, type ResponseConfig, type RouteConfig } from '@asteasolutions/zod-to-openapi';

import { z } from 'zod';

import { errorCodes, type ErrorCode } from '../../protocol/errors.js';
import { restCalls } from '../../protocol/rest/contract.js';
import { problem } from '../../protocol/rest/problem.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';

const bearer = 'token';
const problemContent = { 'application/problem+json': { schema: problem } };
const entityTag = { ETag: { description: 'Of this answer: what `If-None-Match` and `If-Match` name.', schema: { type: 'string' as const } } };
const ifNoneMatch = z.string().optional().describe('The `ETag` of an answer that is here: if it is still the same, 304 and no body.');
const ifMatch = z.string().optional().describe('The `ETag` of `getConversation`: if the conversation is another one now, 412 and no change.');
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
  const { method, path, tag, summary, open, tagged, guarded, params, query, body } = call;
  const headers = { ...(tagged === true ? { 'If-None-Match': ifNoneMatch } : {}), ...(guarded === true ? { 'If-Match': ifMatch } : {}) };
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
      ...(Object.keys(headers).length === 0 ? {} : { headers: z.object(headers) }),
      ...(body === undefined ? {} : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: { ...answersOf(call), ...problemsOf(call) },
  };
}

function answersOf({ answers, tagged }: RestCall): Record<string, ResponseConfig> {
  const headers = tagged === true ? { headers: entityTag } : {};
  const done = Object.entries(answers).map(([status, schema]): [string, ResponseConfig] => [
    status,
    schema === null ? { description: 'Done.' } : { description: 'Done.', ...headers, content: { 'application/json': { schema } } },
  ]);
  if (tagged === true) done.push(['304', { description: 'It is as `If-None-Match` says.', ...headers }]);
  return Object.fromEntries(done);
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
