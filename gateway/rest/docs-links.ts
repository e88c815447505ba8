/** Where the pages of the documentation lead to. */
export const docsLinks =
  '<nav><a href="/docs">REST</a><a href="/docs/socket">WebSocket</a><a href="/v1/openapi.json">OpenAPI</a><a href="/v1/asyncapi.json">AsyncAPI</a></nav>';

/** Of every page. */
export const docsStyle = `
  :root { color-scheme: light dark; font-family: system-ui, sans-serif; }
  body { margin: 0; }
  nav { display: flex; gap: 1.5rem; padding: .75rem 1.5rem; border-bottom: 1px solid #8884; }`;
