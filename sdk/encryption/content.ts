import { Packr } from 'msgpackr';
import { z } from 'zod';

import { describeIssues, fieldOf } from '../../protocol/encoding.js';
import { DomainError } from '../../protocol/errors.js';

const version = 1;

const textContent = z.object({ type: z.literal('text'), text: z.string().min(1) });

/** What people say to each other. New kinds are added here; the server never sees it. */
const content = z.discriminatedUnion('type', [textContent]);
export type Content = z.infer<typeof content>;

/** What a device shows of a content that a newer version made. */
export interface UnsupportedContent {
  readonly type: 'unsupported';
}

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });
const versioned = z.object({ v: z.number().int(), content: z.unknown() });

/** msgpack of `{ v, content }`. Throws DomainError `invalid_request` for what the other side could not show. */
export function encodeContent(value: Content): Uint8Array {
  const checked = content.safeParse(value);
  if (!checked.success)
    throw new DomainError('invalid_request', describeIssues(checked.error, 'content'), { detail: { field: fieldOf(checked.error) } });
  return packr.pack({ v: version, content: checked.data });
}

/** Whatever the peer sent: what this version does not know, or what is malformed, is `unsupported`, never an error. */
export function decodeContent(bytes: Uint8Array): Content | UnsupportedContent {
  let value: unknown;
  try {
    value = packr.unpack(bytes);
  } catch {
    return { type: 'unsupported' };
  }
  const outer = versioned.safeParse(value);
  if (!outer.success || outer.data.v !== version) return { type: 'unsupported' };
  const inner = content.safeParse(outer.data.content);
  return inner.success ? inner.data : { type: 'unsupported' };
}
