import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A file that has so many bytes is followed by the next one. */
const fullBytes = 4 * 1024 * 1024;
const maxSpares = 2;
const headerBytes = 8;
/** A spare file is not needed now and will be written over as the next one: to free its blocks and to allocate them again would hold up syncs. */
const namePattern = /^\d{10}\.(wal|spare)$/;
const isSpare = (name: string) => name.endsWith('.spare');
/** Linux syncs with the write itself; elsewhere that flag promises less, or is missing. */
const syncsItself = process.platform === 'linux';
const flags = constants.O_WRONLY | constants.O_CREAT | (syncsItself ? constants.O_DSYNC : 0);

/**
 * Payloads on the disk in the order in which they were appended, each with its length and a CRC-32, in numbered files that go once what they hold is safe elsewhere.
 * One `append` at a time. What stands behind a torn or damaged payload of a file was never promised. The CRC begins with the file's number, so that what a file held under an
 * earlier one counts as damaged.
 */
export class WriteAheadLog {
  readonly #directory: string;
  #file: FileHandle | undefined;
  #bytes = 0;
  #number: number;
  #older: string[];
  readonly #spares: string[];

  /** `names` in their order. */
  private constructor(directory: string, names: readonly string[]) {
    this.#directory = directory;
    this.#older = names.filter((name) => !isSpare(name));
    this.#spares = names.filter(isSpare);
    this.#number = numberOf(names.at(-1) ?? '0');
  }

  /** `restore` is given what a crash left, file by file, and resolves when it is safe. */
  static async open(directory: string, restore: (payloads: readonly Buffer[]) => Promise<void>): Promise<WriteAheadLog> {
    await mkdir(directory, { recursive: true });
    const log = new WriteAheadLog(directory, (await readdir(directory)).filter((name) => namePattern.test(name)).sort());
    const { older } = log;
    for (const name of older) await restore(payloadsOf(await readFile(join(directory, name)), numberOf(name)));
    await log.remove(older);
    return log;
  }

  /** Files that will not be written to any more, oldest first. */
  get older(): readonly string[] {
    return [...this.#older];
  }

  /** Resolves when the payloads survive a crash of the machine. If it rejects none of them is promised. Answers whether a new file was begun. */
  async append(payloads: readonly Buffer[]): Promise<boolean> {
    const begins = this.#file === undefined || this.#bytes >= fullBytes;
    const file = begins ? await this.#begin() : (this.#file as FileHandle);
    const bytes = Buffer.concat(payloads.flatMap((payload) => [headerOf(payload, this.#number), payload]));
    try {
      const { bytesWritten } = await file.write(bytes, 0, bytes.length, this.#bytes);
      if (bytesWritten < bytes.length) throw new Error(`${bytesWritten} of ${bytes.length} bytes were written`);
      if (!syncsItself) await file.datasync();
    } catch (error) {
      // Nothing may stand behind half a payload.
      await this.#end();
      throw error;
    }
    this.#bytes += bytes.length;
    return begins;
  }

  /** What older files hold is safe elsewhere. */
  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (this.#spares.length < maxSpares) {
        const spare = name.replace('.wal', '.spare');
        await rename(this.#path(name), this.#path(spare));
        this.#spares.push(spare);
      } else await rm(this.#path(name), { force: true });
    }
    this.#older = this.#older.filter((name) => !names.includes(name));
  }

  /** What the last file holds is no older file's until this. */
  close(): Promise<void> {
    return this.#end();
  }

  async #begin(): Promise<FileHandle> {
    await this.#end();
    this.#number += 1;
    const spare = this.#spares.shift();
    if (spare !== undefined) await rename(this.#path(spare), this.#path(this.#name()));
    this.#file = await open(this.#path(this.#name()), flags, 0o600);
    this.#bytes = 0;
    await syncDirectory(this.#directory);
    return this.#file;
  }

  async #end(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#older.push(this.#name());
    await file.close();
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #name(): string {
    return `${String(this.#number).padStart(10, '0')}.wal`;
  }
}

function numberOf(name: string): number {
  return Number(name.slice(0, 10));
}

function headerOf(payload: Buffer, number: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt32BE(crc32(payload, number), 4);
  return header;
}

function payloadsOf(file: Buffer, number: number): readonly Buffer[] {
  const payloads: Buffer[] = [];
  for (let at = 0; at + headerBytes <= file.length;) {
    const end = at + headerBytes + file.readUInt32BE(at);
    const payload = file.subarray(at + headerBytes, end);
    if (end > file.length || crc32(payload, number) !== file.readUInt32BE(at + 4)) break;
    payloads.push(payload);
    at = end;
  }
  return payloads;
}

/** Without this a crash can take the file itself. Windows has no such call, and needs none. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
