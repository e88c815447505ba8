import { Packr } from 'msgpackr';
import type { z } from 'zod';

import { bytesReplacer } from './bytes.js';
import { clientFrame, type ClientFrame } from './client-frames.js';
import { DomainError } from './errors.js';
import { serverFrame, type ServerFrame } from './server-frames.js';

/** The WebSocket subprotocols: one schema, two encodings. */
export const subprotocols = { msgpack: 'heliograph.v1.msgpack', json: 'heliograph.v1.json' } as const;
export type EncodingName = keyof typeof subprotocols;

export interface Encoding {
  readonly name: EncodingName;
  /** `string` goes out as a text frame, bytes as a binary one. */
  encode(frame: ClientFrame | ServerFrame): string | Uint8Array;
  /** Throws whatever the decoder throws; `parseFrame` turns it into `invalid_frame`. */
  decode(data: Uint8Array): unknown;
}

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

export const encodings: Record<EncodingName, Encoding> = {
  msgpack: {
    name: 'msgpack',
    encode: (frame) => packr.pack(frame),
    decode: (data): unknown => packr.unpack(data),
  },
  json: {
    name: 'json',
    encode: (frame) => JSON.stringify(frame, bytesReplacer),
    decode: (data): unknown => JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')),
  },
};

/** Which encoding a negotiated subprotocol stands for. */
export function encodingOf(subprotocol: string): Encoding | undefined {
  if (subprotocol === subprotocols.msgpack) return encodings.msgpack;
  if (subprotocol === subprotocols.json) return encodings.json;
  return undefined;
}

/** Throws DomainError `invalid_frame` that names the field; `detail.id` is the request number if one could be read. */
export function parseClientFrame(encoding: Encoding, data: Uint8Array): ClientFrame {
  return parseFrame(clientFrame, encoding, data);
}

/** As `parseClientFrame`, for what a server sends. */
export function parseServerFrame(encoding: Encoding, data: Uint8Array): ServerFrame {
  return parseFrame(serverFrame, encoding, data);
}

function parseFrame<T>(schema: z.ZodType<T>, encoding: Encoding, data: Uint8Array): T {
  let value: unknown;
  try {
    value = encoding.decode(data);
  } catch (cause) {
    throw new DomainError('invalid_frame', `the frame is not valid ${encoding.name}`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new DomainError('invalid_frame', describeIssues(result.error), { detail: { ...requestNumber(value), field: fieldOf(result.error) } });
}

function requestNumber(value: unknown): { id?: number } {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? { id } : {};
}

/** Path of the first field that is wrong, like `envelopes.0.to.deviceId`. */
export function fieldOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return '';
  const path = issue.path.map(String);
  return issue.code === 'unrecognized_keys' ? [...path, issue.keys[0] ?? ''].join('.') : path.join('.');
}

/** One line: each wrong field with what it must be; `whole` names what has no field. */
export function describeIssues(error: z.ZodError, whole = 'frame'): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.length === 0 ? whole : issue.path.map(String).join('.')}: ${issue.message}`)
    .join('; ');
}
