import type { DeviceStore } from '../store/device-store.js';
import { table } from '../store/table.js';

/** Key: `number`. */
const connectionTable = table<number>('connection');

/** Raised at every connect, and durable before it is used: the highest connection of a device wins. */
export async function nextConnectionNumber(store: DeviceStore): Promise<number> {
  const unit = store.begin();
  const number = (unit.get(connectionTable, 'number') ?? 0) + 1;
  unit.put(connectionTable, ['number'], number);
  await unit.commit();
  return number;
}
