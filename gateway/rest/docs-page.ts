import { Router } from 'express';
// Only the path: the package's main module loads the whole page into this process.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';

import { createOpenApi } from './openapi.js';

const contentPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** Of the package's files, those that the page needs. */
const assets = ['swagger-ui.css', 'swagger-ui-bundle.js'];
const script = `window.ui = SwaggerUIBundle({ url: '/v1/openapi.json', dom_id: '#api', deepLinking: true });`;
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Heliograph REST API</title>
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css" />
  </head>
  <body>
    <main id="api"></main>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** The OpenAPI document, and a page to read it and to try its calls. Nothing is loaded from elsewhere. */
export function createDocsPage(): Router {
  const document = JSON.stringify(createOpenApi());
  const root = getAbsoluteFSPath();
  const router = Router();
  router.get('/', (_request, response) => {
    response.redirect('/docs');
  });
  router.get('/v1/openapi.json', (_request, response) => {
    response.type('application/json').send(document);
  });
  router.get('/docs', (_request, response) => {
    response.setHeader('Content-Security-Policy', contentPolicy);
    response.type('html').send(page);
  });
  router.get('/docs/start.js', (_request, response) => {
    response.type('text/javascript').send(script);
  });
  for (const asset of assets) {
    router.get(`/docs/assets/${asset}`, (_request, response) => {
      response.sendFile(asset, { root });
    });
  }
  return router;
}
