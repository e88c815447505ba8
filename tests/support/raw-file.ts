import { createHash, randomBytes } from 'node:crypto';

import type { z } from 'zod';

import type { BlobId } from '../../protocol/ids.js';
import { mediaDownload, mediaUpload } from '../../protocol/rest/media.js';
import { problem } from '../../protocol/rest/problem.js';
import { upload } from '../contracts/blob-store-contract.js';
import type { RawMember } from './raw-group.js';

/** The bytes of a file, as a device by hand puts and gets them. */
export class RawFile {
  readonly bytes: Buffer;
  readonly #server: { readonly publicUrl: string };

  constructor(server: { readonly publicUrl: string }, size = 100_000) {
    this.bytes = randomBytes(size);
    this.#server = server;
  }

  get announced() {
    return { size: this.bytes.length, sha256: createHash('sha256').update(this.bytes).digest() };
  }

  /** A place for it. */
  async create(by: RawMember): Promise<z.output<typeof mediaUpload>> {
    const answer = await by.ask('POST', '/media', this.announced);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer));
    return mediaUpload.parse(answer.body);
  }

  /** The status of the upload. */
  put(place: z.output<typeof mediaUpload>, bytes = this.bytes): Promise<number> {
    return upload({ ...place, url: new URL(place.url, this.#server.publicUrl).href }, bytes);
  }

  /** Uploads it; answers its id. */
  async uploaded(by: RawMember): Promise<BlobId> {
    const place = await this.create(by);
    const status = await this.put(place);
    if (status !== 200) throw new Error(`the upload was answered with ${status}`);
    return place.blobId;
  }

  /** Where a device gets it, absolute. */
  async urlFor(device: RawMember, blobId: BlobId): Promise<string> {
    const answer = await device.ask('GET', `/media/${blobId}`);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer));
    return new URL(mediaDownload.parse(answer.body).url, this.#server.publicUrl).href;
  }
}

/** What a device is told of a file that it does not get. */
export async function refusalOf(device: RawMember, blobId: BlobId, method = 'GET') {
  const { body } = await device.ask(method, `/media/${blobId}`);
  const { code, facts, retryAfterMs } = problem.parse(body);
  return { code, ...(facts === undefined ? {} : { facts }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
