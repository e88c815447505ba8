import { generateLoad, type LoadReport, type LoadShape } from './generate-load.js';
import { createHeliographWire } from './heliograph-wire.js';
import { registerPairs } from './register-accounts.js';

export interface ServerLoadOptions {
  /** `http://` or `https://`, as the server printed it. */
  readonly server: string;
  readonly pairs: number;
  readonly shape: LoadShape;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** Registers new accounts with a running server and loads it. Throws Error that says what the server refused, and DomainError `rate_limited` when it does not let so many in. */
export async function loadServer({ server, pairs, shape, warmUpMs, measureMs }: ServerLoadOptions): Promise<LoadReport> {
  return generateLoad({
    url: socketUrl(server),
    wire: createHeliographWire(),
    pairs: await registerPairs(server, pairs),
    shape,
    warmUpMs,
    measureMs,
  });
}

function socketUrl(server: string): string {
  const url = new URL('/v1/socket', server);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
