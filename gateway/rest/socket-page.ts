import { closeCodes } from '../../protocol/close-codes.js';
import { subprotocols } from '../../protocol/encoding.js';
import { errorCodes, type ErrorMeaning } from '../../protocol/errors.js';
import { limits, rateLimits, type RateLimit } from '../../protocol/limits.js';
import { describeFrames, type DescribedFrame, type FrameSchema } from './asyncapi.js';
import { docsLinks, docsStyle } from './docs-links.js';

const style = `${docsStyle}
  main { max-width: 64rem; margin: 0 auto; padding: 0 1.5rem 4rem; line-height: 1.5; }
  h2 { margin: 3rem 0 1rem; } h3 { margin: 2.5rem 0 .5rem; font-family: ui-monospace, monospace; }
  table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .75rem 0; }
  th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #8884; }
  code, pre { font-family: ui-monospace, monospace; font-size: .85rem; }
  pre { background: #8882; padding: .75rem; overflow-x: auto; border-radius: 4px; }
  ul.frames { columns: 3 12rem; padding-left: 1.2rem; }`;

/** What the protocol of the socket is, for people: from the same schemas as the AsyncAPI document, without a script. */
export function renderSocketPage(): string {
  const { fromClients, fromServer } = describeFrames();
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Heliograph WebSocket</title>
    <style>${style}</style>
  </head>
  <body>
    ${docsLinks}
    <main>
      <h1>WebSocket</h1>
      <p>Connect to <code>/v1/socket?account=…</code> (the query only helps a load balancer) with one of the subprotocols ${Object.values(
        subprotocols,
      )
        .map((name) => `<code>${escape(name)}</code>`)
        .join(', ')}: JSON goes in text frames, bytes as base64url without padding; MessagePack in binary frames.
        The first frame is <a href="#client-hello">hello</a>. A frame with an <code>id</code> gets exactly one reply with the same <code>id</code>. Unknown frames and fields are refused by name.</p>
      <h2>From clients</h2>
      ${list('client', fromClients)}
      ${fromClients.map((frame) => section('client', frame)).join('')}
      <h2>From the server</h2>
      ${list('server', fromServer)}
      ${fromServer.map((frame) => section('server', frame)).join('')}
      <h2 id="close-codes">Close codes</h2>
      ${table(
        ['code', 'meaning', 'what a client does'],
        Object.values(closeCodes).map(({ code, meaning, client }) => [`<code>${code}</code>`, text(meaning), text(client)]),
      )}
      <h2 id="errors">Errors</h2>
      ${table(
        ['code', 'may be repeated', 'meaning'],
        Object.entries<ErrorMeaning>(errorCodes).map(([code, { retryable, meaning }]) => [
          `<code>${code}</code>`,
          retryable ? 'yes' : '',
          text(meaning),
        ]),
      )}
      <h2 id="limits">Limits</h2>
      ${table(
        ['limit', 'value'],
        Object.entries(limits).map(([name, value]) => [`<code>${name}</code>`, value.toLocaleString('en-US')]),
      )}
      <p>How often, unless the operator set it otherwise:</p>
      ${table(
        ['bucket', 'at once', 'then, an hour'],
        Object.entries<RateLimit>(rateLimits).map(([name, { burst, perSecond }]) => [
          `<code>${name}</code>`,
          `${burst}`,
          Math.round(perSecond * 3_600).toLocaleString('en-US'),
        ]),
      )}
    </main>
  </body>
</html>
`;
}

function list(side: string, described: readonly DescribedFrame[]): string {
  return `<ul class="frames">${described.map(({ type }) => `<li>${link(side, type)}</li>`).join('')}</ul>`;
}

function section(side: string, { type, summary, schema, example, replies }: DescribedFrame): string {
  const answers = replies.map((reply) => link('server', reply)).join(' or ');
  const rows = fieldsOf(schema, '').map(({ name, kind, required, meaning }) => [
    `<code>${escape(name)}</code>`,
    escape(kind),
    required ? '' : 'may be missing',
    text(meaning),
  ]);
  return `<section id="${side}-${type}"><h3>${type}</h3><p>${text(summary)}${side === 'client' ? ` Reply: ${answers || 'none'}.` : ''}</p>
      ${table(['field', 'type', '', 'meaning'], rows)}
      <pre>${escape(JSON.stringify(example, undefined, 2))}</pre></section>`;
}

function link(side: string, type: string): string {
  return `<a href="#${side}-${type}">${type}</a>`;
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: string, cells: readonly string[]) => `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${line('th', columns)}</thead><tbody>${rows.map((row) => line('td', row)).join('')}</tbody></table>`;
}

interface Field {
  readonly name: string;
  readonly kind: string;
  readonly required: boolean;
  readonly meaning: string;
}

/** With those of nested objects: `envelopes[].to.deviceId`. */
function fieldsOf({ properties = {}, required = [] }: FrameSchema, prefix: string): readonly Field[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    if (typeof schema === 'boolean') return [];
    const name = `${prefix}${key}`;
    const field = { name, kind: kindOf(schema), required: required.includes(key), meaning: schema.description ?? '' };
    const item = itemOf(schema);
    return [field, ...(item === undefined ? fieldsOf(schema, `${name}.`) : fieldsOf(item, `${name}[].`))];
  });
}

function kindOf(schema: FrameSchema): string {
  if (schema.const !== undefined) return `"${String(schema.const)}"`;
  if (schema.enum !== undefined) return schema.enum.map((value) => `"${String(value)}"`).join(' | ');
  if (schema.contentEncoding === 'base64url') return `bytes, at most ${Math.floor(((schema.maxLength ?? 0) * 3) / 4).toLocaleString('en-US')}`;
  const item = itemOf(schema);
  if (item !== undefined) return `list of ${kindOf(item)}${schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`}`;
  return `${isId(schema) ? 'UUID' : String(schema.type ?? 'any')}${rangeOf(schema)}`;
}

function itemOf({ items }: FrameSchema): FrameSchema | undefined {
  return typeof items === 'object' && !Array.isArray(items) ? items : undefined;
}

function isId({ pattern }: FrameSchema): boolean {
  return pattern?.startsWith('^[0-9a-f]{8}-') === true;
}

function rangeOf({ minimum, maximum, maxLength }: FrameSchema): string {
  if (maxLength !== undefined) return `, at most ${maxLength.toLocaleString('en-US')} characters`;
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum.toLocaleString('en-US');
  if (minimum === undefined) return most === undefined ? '' : `, at most ${most}`;
  return minimum === Number.MIN_SAFE_INTEGER ? '' : `, ${most === undefined ? `${minimum} or more` : `${minimum} to ${most}`}`;
}

/** Text with `code` in it. */
function text(given: string): string {
  return escape(given).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function escape(given: string): string {
  return given.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
