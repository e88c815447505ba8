import type { DeviceAddress, Position } from '../../protocol/ids.js';

export const uuidBytes = 16;
export const positionBytes = 8;

/** Byte keys: UUIDs as 16 bytes, device ids as one, positions as 8 big-endian ones, so that the byte order is the order of the parts. */
export class KeyWriter {
  readonly key: Buffer;
  #at = 0;

  constructor(byteLength: number) {
    this.key = Buffer.allocUnsafe(byteLength);
  }

  uuid(id: string): this {
    this.key.write(id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24), this.#at, 'hex');
    this.#at += uuidBytes;
    return this;
  }

  device({ accountId, deviceId }: DeviceAddress): this {
    this.uuid(accountId);
    this.key[this.#at] = deviceId;
    this.#at += 1;
    return this;
  }

  position(position: Position): this {
    this.key.writeUInt32BE(Math.floor(position / 0x1_0000_0000), this.#at);
    this.key.writeUInt32BE(position % 0x1_0000_0000, this.#at + 4);
    this.#at += positionBytes;
    return this;
  }
}

export function uuidAt(key: Uint8Array, at: number): string {
  const hex = Buffer.from(key.buffer, key.byteOffset + at, uuidBytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function positionAt(key: Buffer, at: number): Position {
  return key.readUInt32BE(at) * 0x1_0000_0000 + key.readUInt32BE(at + 4);
}

/** The first key after all that begin with the prefix: prefixes here never end in 0xff alone. */
export function afterPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let index = end.length - 1; index >= 0; index -= 1) {
    const byte = end[index] ?? 0;
    if (byte < 0xff) {
      end[index] = byte + 1;
      return end.subarray(0, index + 1);
    }
  }
  return Buffer.alloc(prefix.length + 1, 0xff);
}
