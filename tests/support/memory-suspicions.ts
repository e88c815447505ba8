import { isSamePlace, release, stateOf, suspect, suspectAt, type InboxPlace, type Suspect, type Suspicion } from '../../core/suspicion.js';
import type { Quarantine } from '../../ports/quarantine.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';

/** What is held against items of inboxes that are in memory. */
export class MemorySuspicions implements Quarantine {
  readonly #held: { readonly device: DeviceAddress; readonly item: InboxPlace; readonly suspicion: Suspicion }[] = [];

  suspects(device: DeviceAddress): readonly Suspect[] {
    return this.#of(device).map(({ item, suspicion }) => suspectAt(item, suspicion));
  }

  suspect(...[device, items, unacked]: Parameters<Quarantine['suspect']>): Promise<boolean> {
    const kept = this.#of(device).filter(({ suspicion }) => stateOf(suspicion) !== 'suspected').length;
    const held = items.map(({ conversationId, position, messageId }) => {
      const item = { conversationId, position };
      const suspicion = suspect(messageId, this.#take(device, item), unacked, kept);
      this.#held.push({ device, item, suspicion });
      return suspicion;
    });
    return Promise.resolve(held.some((suspicion) => stateOf(suspicion) === 'quarantined'));
  }

  sinceMs(devices: readonly DeviceAddress[], item: InboxPlace): Promise<readonly (number | undefined)[]> {
    return Promise.resolve(devices.map((device) => this.#of(device).find((held) => isSamePlace(held.item, item))?.suspicion.quarantinedAtMs));
  }

  list(limit: number): ReturnType<Quarantine['list']> {
    const items = this.#held.flatMap(({ device, item, suspicion: { messageId, quarantinedAtMs: sinceMs } }) =>
      sinceMs === undefined ? [] : [{ device, ...item, messageId, sinceMs }],
    );
    return Promise.resolve(items.slice(0, limit));
  }

  release(device: DeviceAddress, item: InboxPlace, nowMs: number): Promise<void> {
    const known = this.#take(device, item);
    if (known !== undefined) this.#held.push({ device, item, suspicion: release(known, nowMs) });
    return Promise.resolve();
  }

  forget(device: DeviceAddress, item: InboxPlace): Promise<void> {
    this.#take(device, item);
    return Promise.resolve();
  }

  #of(device: DeviceAddress) {
    return this.#held.filter((held) => deviceKey(held.device) === deviceKey(device));
  }

  #take(device: DeviceAddress, item: InboxPlace): Suspicion | undefined {
    const index = this.#held.findIndex((held) => deviceKey(held.device) === deviceKey(device) && isSamePlace(held.item, item));
    return index === -1 ? undefined : this.#held.splice(index, 1)[0]?.suspicion;
  }
}
