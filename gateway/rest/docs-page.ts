import { Router } from 'express';
// Only the path: the package's main module loads the whole page into this process.
import getAbsoluteFSPath from 'swagger-ui-dist/absolute-path.js';

import { createAsyncApi } from './asyncapi.js';
import { docsLinks, docsStyle } from './docs-links.js';
import { sendTagged } from './entity-tag.js';
import { createOpenApi } from './openapi.js';
import { renderSocketPage } from './socket-page.js';

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
    <style>${docsStyle} :root { color-scheme: light; }</style>
  </head>
  <body>
    ${docsLinks}
    <main id="api"></main>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** The OpenAPI document with a page to read it and to try its calls, the AsyncAPI document with a page to read it. Nothing is loaded from elsewhere. */
export function createDocsPage(): Router {
  const documents = { openapi: madeOnce(() => JSON.stringify(createOpenApi())), asyncapi: madeOnce(() => JSON.stringify(createAsyncApi())) };
  const pages = { '/docs': () => page, '/docs/socket': madeOnce(renderSocketPage) };
  const root = getAbsoluteFSPath();
  const router = Router();
  router.get('/', (_request, response) => {
    response.redirect('/docs');
  });
  for (const [name, document] of Object.entries(documents)) {
    router.get(`/v1/${name}.json`, (request, response) => {
      sendTagged({ request, response }, { type: 'application/json', text: document(), whose: 'public' });
    });
  }
  for (const [path, html] of Object.entries(pages)) {
    router.get(path, (request, response) => {
      response.setHeader('Content-Security-Policy', contentPolicy);
      sendTagged({ request, response }, { type: 'html', text: html(), whose: 'public' });
    });
  }
  router.get('/docs/start.js', (request, response) => {
    sendTagged({ request, response }, { type: 'text/javascript', text: script, whose: 'public' });
  });
  for (const asset of assets) {
    router.get(`/docs/assets/${asset}`, (_request, response) => {
      // By the date of the file.
      response.setHeader('Cache-Control', 'public, no-cache');
      response.sendFile(asset, { root });
    });
  }
  return router;
}

/** When somebody asks for it first: a start does not wait for it. */
function madeOnce(make: () => string): () => string {
  let made: string | undefined;
  return () => (made ??= make());
}
