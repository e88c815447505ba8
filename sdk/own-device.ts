import type { DeviceAddress } from '../protocol/ids.js';
import type { DeviceStore } from './store/device-store.js';
import { table } from './store/table.js';
import type { UnitOfWork } from './store/unit-of-work.js';

/** Who this directory is. */
export interface OwnDevice extends DeviceAddress {
  readonly handle: string;
  readonly secret: Uint8Array;
}

/** Key: `own`. */
const ownTable = table<OwnDevice>('own-device');

/** `undefined`: the directory holds no device yet. */
export function ownDeviceOf(store: DeviceStore): OwnDevice | undefined {
  return store.get(ownTable, 'own');
}

export function keepOwnDevice(unit: UnitOfWork, own: OwnDevice): void {
  unit.put(ownTable, ['own'], own);
}
