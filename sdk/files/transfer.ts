import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';

import { DomainError } from '../../protocol/errors.js';
import { SdkError } from '../sdk-error.js';

const idleMs = 30_000;

/** A signed URL, and what ends the transfer. */
export interface Place {
  readonly url: URL;
  readonly signal: AbortSignal;
}

/** Puts a file. Answers `expired` when the URL is not taken any more. Throws SdkError `offline`, DomainError `unavailable`. */
export async function putFile(path: string, { url, signal }: Place, headers: Readonly<Record<string, string>>): Promise<'stored' | 'expired'> {
  const request = requestTo(url, { method: 'PUT', headers: { ...headers }, signal });
  try {
    const answered = answerTo(request);
    const [response] = await Promise.all([answered, pipeline(createReadStream(path), request)]);
    return outcomeOf(response, 200);
  } catch (error) {
    throw translated(error, url);
  }
}

/** Adds to a file what it lacks up to `size`. Answers `expired` when the URL is not taken any more, or the bytes are gone. Throws SdkError `offline`, DomainError `unavailable`. */
export async function getRest(path: string, size: number, { url, signal }: Place): Promise<'stored' | 'expired'> {
  const { size: from } = await stat(path);
  if (from === size) return 'stored';
  try {
    const request = requestTo(url, { headers: { range: `bytes=${from}-` }, signal });
    request.end();
    const response = await answerTo(request);
    const outcome = outcomeOf(response, 206);
    if (outcome === 'stored') await append(path, response, size - from);
    return outcome;
  } catch (error) {
    throw translated(error, url);
  }
}

async function append(path: string, response: IncomingMessage, most: number): Promise<void> {
  const file = await open(path, 'a');
  let left = most;
  try {
    for await (const bytes of response as AsyncIterable<Buffer>) {
      left -= bytes.byteLength;
      if (left < 0) throw new SdkError('undecryptable', 'the file is longer than its message says');
      await file.writeFile(bytes);
    }
  } finally {
    await file.close();
  }
  if (left > 0) throw new SdkError('offline', 'the file came in part');
}

function requestTo(url: URL, options: RequestOptions): ClientRequest {
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { ...options, timeout: idleMs });
  request.once('timeout', () => request.destroy(new Error(`no byte for ${idleMs / 1_000} s`)));
  return request;
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
}

function outcomeOf(response: IncomingMessage, done: number): 'stored' | 'expired' {
  const { statusCode = 0 } = response;
  if (statusCode === done) return 'stored';
  response.resume();
  if (statusCode === 403 || statusCode === 404) return 'expired';
  if (statusCode >= 500 || statusCode === 429 || statusCode === 408)
    throw new DomainError('unavailable', `the blob store answered with status ${statusCode}`);
  throw new SdkError('untrusted_server', `the blob store answered with status ${statusCode}`);
}

function translated(error: unknown, { origin }: URL): unknown {
  if (error instanceof DomainError || error instanceof SdkError) return error;
  const { code } = error as NodeJS.ErrnoException;
  // The disk of this device, not the network.
  if (code === 'ENOSPC' || code === 'EACCES' || code === 'ENOENT') return error;
  return new SdkError('offline', `no answer from ${origin}`, { cause: error });
}
