import type { AccountId, DeviceAddress, DeviceId } from './ids.js';

const accountBytes = 16;
const maxDeviceCount = 255;

/** For each account its 16 bytes, how many of its devices follow, and their numbers: 512 devices of 256 accounts take 5 KB. Short if the devices of an account stand together. */
export function packDevices(devices: readonly DeviceAddress[]): Uint8Array {
  const parts: Buffer[] = [];
  for (let at = 0; at < devices.length;) {
    const accountId = devices[at]?.accountId ?? '';
    const deviceIds: number[] = [];
    for (; devices[at]?.accountId === accountId && deviceIds.length < maxDeviceCount; at += 1) deviceIds.push(devices[at]?.deviceId ?? 0);
    parts.push(Buffer.from(accountId.replaceAll('-', ''), 'hex'), Buffer.from([deviceIds.length, ...deviceIds]));
  }
  return Buffer.concat(parts);
}

export function unpackDevices(packed: Uint8Array): readonly DeviceAddress[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const devices: DeviceAddress[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const accountId = bytes.toString('hex', at, at + accountBytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') as AccountId;
    const first = at + accountBytes + 1;
    const end = first + bytes.readUInt8(at + accountBytes);
    for (const deviceId of bytes.subarray(first, end)) devices.push({ accountId, deviceId: deviceId as DeviceId });
    at = end;
  }
  return devices;
}
