import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import { open, type RootDatabase } from 'lmdb';

import { packr } from '../packr.js';
import { SdkError } from '../sdk-error.js';
import { isAlive, thisHolder, type DirectoryHolder } from './directory-holder.js';
import { existingStorageKey, newStorageKey, type KeyOrigin, type KeySource } from './storage-key.js';
import type { KeyPart, Table } from './table.js';
import { UnitOfWork, type RowChange, type RowSource } from './unit-of-work.js';
import { openValue, sealValue } from './value-seal.js';

type Root = RootDatabase<Buffer, KeyPart[]>;

export interface RangeQuery {
  /** Exclusive bounds on the last part of the key. */
  readonly after?: KeyPart | undefined;
  readonly before?: KeyPart | undefined;
  readonly limit?: number | undefined;
  readonly newestFirst?: boolean | undefined;
}

export interface StoredRow<Row> {
  readonly key: readonly KeyPart[];
  readonly row: Row;
}

interface Header {
  readonly format: number;
  readonly origin: KeyOrigin;
  /** A known value under the key: tells a wrong key at once. */
  readonly check: Uint8Array;
}

const format = 1;
const headerKey: KeyPart[] = ['header'];
const holderKey: KeyPart[] = ['holder'];
const checkLabel = Buffer.from('heliograph/device/check/v1');
/** Sorts behind every part that is used in keys. */
const highest = '\uffff';
const openHere = new Set<string>();

/**
 * Everything a device must not lose: LMDB in the device's directory, every value sealed by AES-256-GCM under the row's key; keys (ids, positions) are in the clear.
 * One holder at a time: two users of one ratchet would lose messages. Never put back an older copy of the directory, for the same reason.
 */
export class DeviceStore implements RowSource {
  readonly #root: Root;
  readonly #key: Uint8Array;
  readonly #path: string;

  private constructor(root: Root, key: Uint8Array, path: string) {
    this.#root = root;
    this.#key = key;
    this.#path = path;
  }

  /** Opens or makes the directory. Throws SdkError `directory_in_use`, `directory_unusable`, `wrong_key`. */
  static async open(directory: string, source: KeySource): Promise<DeviceStore> {
    const path = prepared(directory);
    if (openHere.has(path)) throw new SdkError('directory_in_use', `${directory} is open in this process already`);
    openHere.add(path);
    let root: Root | undefined;
    try {
      root = openRoot(path, directory);
      hold(root, directory);
      return new DeviceStore(root, await keyOf(root, path, source), path);
    } catch (error) {
      openHere.delete(path);
      if (!(error instanceof SdkError && error.code === 'directory_in_use')) root?.removeSync(holderKey);
      await root?.close();
      throw error;
    }
  }

  get<Row>(table: Table<Row>, ...key: readonly KeyPart[]): Row | undefined {
    const fullKey = [table.name, ...key];
    const sealed = this.#root.get(fullKey);
    return sealed === undefined ? undefined : (this.#open(fullKey, sealed) as Row);
  }

  /** Committed rows whose key starts with `prefix`, in key order. */
  range<Row>(table: Table<Row>, prefix: readonly KeyPart[], query: RangeQuery = {}): StoredRow<Row>[] {
    const low = query.after === undefined ? [table.name, ...prefix] : [table.name, ...prefix, query.after];
    const high = [table.name, ...prefix, query.before ?? highest];
    const reverse = query.newestFirst === true;
    const range = this.#root.getRange({
      start: reverse ? high : low,
      end: reverse ? low : high,
      reverse,
      exclusiveStart: true,
      ...(query.limit === undefined ? {} : { limit: query.limit }),
    });
    const rows: StoredRow<Row>[] = [];
    for (const { key, value } of range) {
      // The end of a reversed range is the exclusive lower bound.
      rows.push({ key: key.slice(1), row: this.#open(key, value) as Row });
    }
    return rows;
  }

  begin(): UnitOfWork {
    return new UnitOfWork(this);
  }

  async apply(changes: readonly RowChange[]): Promise<void> {
    if (changes.length === 0) return;
    await this.#root.batch(() => {
      for (const { key, value } of changes) {
        if (value === undefined) void this.#root.remove([...key]);
        else void this.#root.put([...key], sealValue(this.#key, labelOf(key), packr.pack(value)));
      }
    });
  }

  /** Resolves once everything that is committed now survives a crash of the machine. */
  async flushed(): Promise<void> {
    await this.#root.flushed;
  }

  async close(): Promise<void> {
    await this.#root.remove(holderKey);
    await this.#root.flushed;
    await this.#root.close();
    openHere.delete(this.#path);
  }

  #open(key: readonly KeyPart[], sealed: Buffer): unknown {
    return packr.unpack(openValue(this.#key, labelOf(key), sealed));
  }
}

function labelOf(key: readonly KeyPart[]): Buffer {
  return Buffer.from(JSON.stringify(key));
}

function prepared(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return realpathSync(directory);
  } catch (cause) {
    throw new SdkError('directory_unusable', `${directory} cannot be made or read`, { cause });
  }
}

function openRoot(path: string, directory: string): Root {
  try {
    return open({ path: join(path, 'store'), encoding: 'binary', cache: false });
  } catch (cause) {
    throw new SdkError('directory_unusable', `${directory} cannot be written`, { cause });
  }
}

/** LMDB's write lock makes this a check-and-set among processes. */
function hold(root: Root, directory: string): void {
  const held = root.transactionSync((): DirectoryHolder | undefined => {
    const row = root.get(holderKey);
    const holder = row === undefined ? undefined : (packr.unpack(row) as DirectoryHolder);
    if (holder !== undefined && holder.pid !== process.pid && isAlive(holder)) return holder;
    root.putSync(holderKey, packr.pack(thisHolder()));
    return undefined;
  });
  if (held !== undefined) throw new SdkError('directory_in_use', `${directory} is open in process ${held.pid}`);
}

async function keyOf(root: Root, path: string, source: KeySource): Promise<Uint8Array> {
  const row = root.get(headerKey);
  if (row === undefined) {
    const { key, origin } = await newStorageKey(path, source);
    const header: Header = { format, origin, check: sealValue(key, checkLabel, checkLabel) };
    await root.put(headerKey, packr.pack(header));
    await root.flushed;
    return key;
  }
  const header = packr.unpack(row) as Header;
  if (header.format !== format) {
    throw new SdkError('directory_unusable', `device directory of format ${header.format}; this version reads format ${format}`);
  }
  const key = await existingStorageKey(path, source, header.origin);
  try {
    openValue(key, checkLabel, header.check);
  } catch (cause) {
    throw new SdkError('wrong_key', 'the passphrase or storage key does not open this device directory', { cause });
  }
  return key;
}
