import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { access, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { DomainError } from '../../protocol/errors.js';
import type { BlobId, ConversationId } from '../../protocol/ids.js';
import type { Content } from '../encryption/content.js';
import type { Message } from '../messages/message.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import { again } from './again.js';
import type { FileReports } from './file-reports.js';
import { openStream, sealedSize, sealStream } from './stream-seal.js';
import { getRest, putFile } from './transfer.js';

export type FileContent = Extract<Content, { readonly type: 'file' }>;

/** Where sealed bytes are, and what opens them. */
export type FilePointer = Pick<FileContent, 'blobId' | 'key' | 'sha256' | 'size'>;

export interface FileOptions {
  /** What others see; without it the last part of the path. */
  readonly name?: string | undefined;
  /** For example `image/jpeg`. */
  readonly mediaType?: string | undefined;
  /** Said with it. */
  readonly text?: string | undefined;
  readonly ttlSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FilesDependencies {
  /** Of sealed bytes on their way; emptied here. */
  readonly directory: string;
  readonly rest: RestClient;
  readonly reports: FileReports;
  readonly send: (conversationId: ConversationId, content: Content, options: { readonly ttlSeconds?: number }) => Promise<Message>;
  /** The device closes. */
  readonly closing: AbortSignal;
}

const keyBytes = 32;

/** Files of messages. They are sealed and opened here, chunk by chunk, and go to and from the blob store past the server's gateways, which learn size and digest of the sealed bytes. */
export class Files {
  readonly #dependencies: FilesDependencies;

  constructor(dependencies: FilesDependencies) {
    this.#dependencies = dependencies;
    rmSync(dependencies.directory, { recursive: true, force: true });
    mkdirSync(dependencies.directory, { recursive: true, mode: 0o700 });
  }

  /**
   * Seals and uploads a file, then sends the message with it. Resolves when the bytes are at the server and the message is durable here; ended before that, by a crash too, nothing is sent.
   * Throws DomainError `invalid_request`, `too_large`, `rate_limited`, `unavailable`, SdkError `offline`, `closed`, the reason of `signal`, or what the file system throws.
   */
  async send(conversationId: ConversationId, path: string, options: FileOptions = {}): Promise<Message> {
    const { name = basename(path), mediaType, text, ttlSeconds } = options;
    const signal = this.#signalOf(options.signal);
    const about = { name, ...(mediaType === undefined ? {} : { mediaType }), ...(text === undefined ? {} : { text }) };
    const { size } = await fileAt(path);
    const pointer = await this.#put(bytesOf(path), size, signal);
    return this.#dependencies.send(conversationId, { type: 'file', ...pointer, ...about }, ttlSeconds === undefined ? {} : { ttlSeconds });
  }

  /** Bytes for other devices of the account, for which no message waits: the server has them for a day. Throws as `send` does. */
  put(bytes: Uint8Array): Promise<FilePointer> {
    return this.#put(only(bytes), bytes.byteLength, this.#signalOf(undefined));
  }

  /** Throws as `save` does. */
  async get(pointer: FilePointer): Promise<Uint8Array> {
    const signal = this.#signalOf(undefined);
    return this.#withSealed(signal, async (sealed) => {
      await writeFile(sealed, '', { mode: 0o600 });
      await this.#download(sealed, pointer, signal);
      const opened: Uint8Array[] = [];
      for await (const bytes of openStream(bytesOf(sealed), pointer)) opened.push(bytes);
      return Buffer.concat(opened);
    });
  }

  /**
   * Downloads the file of a message to a path where nothing is yet, and tells the server that it is here. Nothing is at the path before the whole file has proved to be the one that was sent.
   * Throws DomainError `not_found`, `gone` (`detail` has `reason` and `goneAtMs`), `conflict` (the path is taken), `unavailable`, SdkError `offline`, `undecryptable`, `closed`.
   */
  async save(content: FileContent, path: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { blobId, key, size } = content;
    const signal = this.#signalOf(options.signal);
    await requireFree(path);
    await this.#withSealed(signal, async (sealed) => {
      await writeFile(sealed, '', { mode: 0o600 });
      await this.#download(sealed, content, signal);
      const part = join(dirname(path), `.${randomUUID()}.part`);
      try {
        await pipeline(openStream(bytesOf(sealed), { key, size }), createWriteStream(part, { flags: 'wx' }), { signal });
        await synced(part);
        await requireFree(path);
        await rename(part, path);
      } finally {
        await rm(part, { force: true });
      }
    });
    await this.#dependencies.reports.add(blobId, { kind: 'fetched' });
  }

  #put(source: AsyncIterable<Uint8Array>, size: number, signal: AbortSignal): Promise<FilePointer> {
    return this.#withSealed(signal, async (sealed) => {
      const key = randomBytes(keyBytes);
      const hash = createHash('sha256');
      const stream = sealStream(source, { key, size });
      await pipeline(hashed(stream, hash), createWriteStream(sealed, { mode: 0o600 }), { signal });
      const sha256 = hash.digest();
      const blobId = await this.#upload(sealed, { size: sealedSize(size), sha256 }, signal);
      return { blobId, key, sha256, size };
    });
  }

  async #upload(sealed: string, announced: { readonly size: number; readonly sha256: Uint8Array }, signal: AbortSignal): Promise<BlobId> {
    const { rest } = this.#dependencies;
    const place = () => rest.call('createMedia', { body: announced });
    let known: Awaited<ReturnType<typeof place>> | undefined;
    return again(signal, async () => {
      known ??= await place();
      const { blobId, url, headers } = known;
      if ((await putFile(sealed, { url: rest.resolve(url), signal }, headers)) === 'stored') return blobId;
      known = undefined;
      throw new SdkError('offline', 'the time of the upload was over');
    });
  }

  /** What came is kept between attempts. */
  async #download(sealed: string, { blobId, sha256, size }: FilePointer, signal: AbortSignal): Promise<void> {
    const { rest } = this.#dependencies;
    await again(signal, async () => {
      const { url } = await rest.call('getMedia', { params: { blobId } });
      if ((await getRest(sealed, sealedSize(size), { url: rest.resolve(url), signal })) === 'stored') return;
      throw new SdkError('offline', 'the time of the download was over');
    });
    const hash = createHash('sha256');
    await pipeline(createReadStream(sealed), hash, { signal });
    if (Buffer.compare(hash.digest(), sha256) !== 0) throw new SdkError('undecryptable', 'the file is not the one that its message names');
  }

  async #withSealed<Result>(signal: AbortSignal, work: (sealed: string) => Promise<Result>): Promise<Result> {
    const sealed = join(this.#dependencies.directory, randomUUID());
    try {
      return await work(sealed);
    } catch (error) {
      if (this.#dependencies.closing.aborted) throw new SdkError('closed', 'the device was closed', { cause: error });
      signal.throwIfAborted();
      throw error;
    } finally {
      await rm(sealed, { force: true });
    }
  }

  #signalOf(given: AbortSignal | undefined): AbortSignal {
    const { closing } = this.#dependencies;
    if (closing.aborted) throw new SdkError('closed', 'the device was closed');
    return given === undefined ? closing : AbortSignal.any([closing, given]);
  }
}

/** Opened by whoever reads it first: a stream that is ended before that would fail where nobody listens. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function* hashed(source: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    hash.update(bytes);
    yield bytes;
  }
}

async function fileAt(path: string): Promise<{ readonly size: number }> {
  const found = await stat(path);
  if (!found.isFile()) throw new DomainError('invalid_request', 'file: must be a file', { detail: { field: 'file' } });
  sealedSize(found.size);
  return found;
}

async function requireFree(path: string): Promise<void> {
  const isTaken = await access(path).then(
    () => true,
    () => false,
  );
  if (isTaken) throw new DomainError('conflict', 'path: there is something already', { detail: { field: 'path' } });
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
