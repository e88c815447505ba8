import type { RequestHandler } from 'express';

const maxAgeSeconds = 600;

/** CORS for the allowed origins: browsers of others get no leave, and tools without Origin are no concern of it. */
export function crossOrigin(allowedOrigins: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    response.vary('Origin');
    if (origin === undefined || !(allowedOrigins.includes('*') || allowedOrigins.includes(origin))) {
      next();
      return;
    }
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', 'Accept-Ranges, Content-Range, ETag, Retry-After');
    if (request.method !== 'OPTIONS') {
      next();
      return;
    }
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE');
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, If-Match, If-None-Match, Range');
    response.setHeader('Access-Control-Max-Age', maxAgeSeconds);
    response.status(204).end();
  };
}
