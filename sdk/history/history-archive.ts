import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

import { packr } from '../packr.js';
import { SdkError } from '../sdk-error.js';
import type { HistoryRow } from './history-rows.js';

/** Of rows, before they are packed tight: more stays behind, the oldest conversations first. */
const maxArchiveBytes = 32 * 1024 * 1024;
const version = 1;
const [zip, unzip] = [promisify(gzip), promisify(gunzip)];

/** `undefined`: there is nothing. */
export async function packArchive(rows: Iterable<HistoryRow>, maxBytes = maxArchiveBytes): Promise<Uint8Array | undefined> {
  const packed: Buffer[] = [Buffer.of(version)];
  let left = maxBytes;
  for (const row of rows) {
    const bytes = packr.pack(row);
    left -= bytes.byteLength;
    if (left < 0) break;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.byteLength);
    packed.push(length, bytes);
  }
  return packed.length === 1 ? undefined : zip(Buffer.concat(packed));
}

/** Throws SdkError `undecryptable` for what is no archive, or one of a newer version. */
export async function unpackArchive(archive: Uint8Array): Promise<readonly HistoryRow[]> {
  const rows: HistoryRow[] = [];
  try {
    const packed = await unzip(archive, { maxOutputLength: 2 * maxArchiveBytes });
    if (packed[0] !== version) throw new Error(`a history of version ${packed[0]}`);
    for (let at = 1; at < packed.byteLength;) {
      const end = at + 4 + packed.readUInt32BE(at);
      rows.push(packr.unpack(packed.subarray(at + 4, end)) as HistoryRow);
      at = end;
    }
  } catch (cause) {
    throw new SdkError('undecryptable', 'this is no history that is known here', { cause });
  }
  return rows;
}
