import type { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from './device-store.js';
import type { UnitOfWork } from './unit-of-work.js';

/** One change of a device's store, all of it or nothing, when everything before it that touches Signal state is done. Resolves when it is committed. */
export function changeInTurn<Result>(
  { store, signal }: { readonly store: DeviceStore; readonly signal: SerialQueue },
  change: (unit: UnitOfWork) => Result,
): Promise<Result> {
  return signal.run(async () => {
    const unit = store.begin();
    const result = change(unit);
    await unit.commit();
    return result;
  });
}
