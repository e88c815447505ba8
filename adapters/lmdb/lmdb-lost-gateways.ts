import type { Clock } from '../../ports/clock.js';
import type { LostGateway, LostGateways } from '../../ports/lost-gateways.js';
import type { SessionClaim, SessionRegistry } from '../../ports/session-registry.js';
import { deviceKey, parseDeviceKey } from '../../protocol/ids.js';
import type { LmdbStore } from './lmdb-store.js';

const leaseMs = 10_000;
/** How long lost gateways are remembered. */
const rememberedMs = 24 * 3_600_000;

interface Lease extends LostGateway {
  lastSeenAtMs: number;
  readonly devices: Set<string>;
}

/**
 * A session registry of one process that remembers on disk which gateway it was and who was there: its entries end with the process, what has to be done for its devices does not.
 * What was written in the last moment before a crash may be missing.
 */
export function createLmdbLostGateways(
  store: LmdbStore,
  { registry, clock }: { readonly registry: SessionRegistry; readonly clock: Clock },
): { readonly registry: SessionRegistry; readonly lostGateways: LostGateways } {
  const book = new LeaseBook(store, clock);
  return {
    registry: {
      openLease: async (gatewayId) => {
        const leaseEpoch = await registry.openLease(gatewayId);
        book.opened({ gatewayId, leaseEpoch });
        return leaseEpoch;
      },
      renewLease: async (gatewayId, leaseEpoch) => {
        const isHeld = await registry.renewLease(gatewayId, leaseEpoch);
        if (isHeld) book.renewed({ gatewayId, leaseEpoch });
        return isHeld;
      },
      closeLease: async (gatewayId, leaseEpoch) => {
        await registry.closeLease(gatewayId, leaseEpoch);
        book.forget({ gatewayId, leaseEpoch });
      },
      claim: async (claims) => {
        const outcomes = await registry.claim(claims);
        claims.forEach((claim, index) => {
          const outcome = outcomes[index];
          if (outcome?.outcome === 'claimed' && !outcome.existed) book.came(claim);
        });
        return outcomes;
      },
      release: async (claims) => {
        await registry.release(claims);
        for (const claim of claims) book.released(claim);
      },
      lookup: (accounts) => registry.lookup(accounts),
    },
    lostGateways: {
      list: () => Promise.resolve(book.lost()),
      count: (gateway) => Promise.resolve(book.devicesOf(gateway).length),
      devices: (gateway, { after, limit }) => {
        const from = after === undefined ? '' : deviceKey(after);
        const page = book
          .devicesOf(gateway)
          .filter((key) => key > from)
          .sort()
          .slice(0, limit);
        return Promise.resolve(page.map(parseDeviceKey));
      },
      settle: (gateway, devices) => {
        for (const device of devices) book.settled(deviceKey(device), gateway);
        return Promise.resolve();
      },
      forget: (gateway) => {
        book.forget(gateway);
        return Promise.resolve();
      },
    },
  };
}

type LeaseName = Pick<LostGateway, 'gatewayId' | 'leaseEpoch'>;

interface Place {
  readonly lease: string;
  /** Of a session that this process saw come. */
  readonly sessionEpoch?: number;
}

/** In memory, and behind that on disk: of a lease when it was last seen, of a device its lease. */
class LeaseBook {
  readonly #leases = new Map<string, Lease>();
  /** By gateway: the lease that it has in this process. */
  readonly #present = new Map<string, string>();
  readonly #placeOf = new Map<string, Place>();
  readonly #clock: Clock;
  readonly #leaseTable;
  readonly #deviceTable;

  constructor(store: LmdbStore, clock: Clock) {
    this.#clock = clock;
    this.#leaseTable = store.database('gateway-leases');
    this.#deviceTable = store.database('devices-of-gateways');
    for (const { key, value } of this.#leaseTable.range({})) this.#leases.set(key.toString(), leaseOf(key.toString(), Number(value.toString())));
    for (const { key, value } of this.#deviceTable.range({})) {
      const lease = value.toString();
      this.#leases.get(lease)?.devices.add(key.toString());
      this.#placeOf.set(key.toString(), { lease });
    }
  }

  opened(gateway: LeaseName): void {
    this.#present.set(gateway.gatewayId, nameOf(gateway));
    this.renewed(gateway);
  }

  renewed(gateway: LeaseName): void {
    const name = nameOf(gateway);
    const lastSeenAtMs = this.#clock.nowMs();
    const lease = this.#leases.get(name);
    if (lease === undefined) this.#leases.set(name, { ...gateway, lastSeenAtMs, devices: new Set() });
    else lease.lastSeenAtMs = lastSeenAtMs;
    kept(this.#leaseTable.put(Buffer.from(name), Buffer.from(`${lastSeenAtMs}`)));
  }

  lost(): readonly LostGateway[] {
    const nowMs = this.#clock.nowMs();
    for (const lease of this.#leases.values()) if (lease.lastSeenAtMs + rememberedMs < nowMs) this.forget(lease);
    return [...this.#leases]
      .filter(([name, { gatewayId, lastSeenAtMs }]) => this.#present.get(gatewayId) !== name || lastSeenAtMs + leaseMs <= nowMs)
      .map(([, { gatewayId, leaseEpoch, lastSeenAtMs }]) => ({ gatewayId, leaseEpoch, lastSeenAtMs }));
  }

  devicesOf(gateway: LeaseName): readonly string[] {
    return [...(this.#leases.get(nameOf(gateway))?.devices ?? [])];
  }

  came({ device, sessionEpoch, ...gateway }: SessionClaim): void {
    const [key, lease] = [deviceKey(device), nameOf(gateway)];
    this.#leases.get(this.#placeOf.get(key)?.lease ?? '')?.devices.delete(key);
    this.#leases.get(lease)?.devices.add(key);
    this.#placeOf.set(key, { lease, sessionEpoch });
    kept(this.#deviceTable.put(Buffer.from(key), Buffer.from(lease)));
  }

  /** Unless another session of the device is there since. */
  released({ device, sessionEpoch, ...gateway }: SessionClaim): void {
    const key = deviceKey(device);
    const place = this.#placeOf.get(key);
    if (place?.lease === nameOf(gateway) && place.sessionEpoch === sessionEpoch) this.#remove(key, place.lease);
  }

  settled(device: string, gateway: LeaseName): void {
    const lease = nameOf(gateway);
    if (this.#placeOf.get(device)?.lease === lease) this.#remove(device, lease);
  }

  forget(gateway: LeaseName): void {
    for (const device of this.devicesOf(gateway)) this.settled(device, gateway);
    this.#leases.delete(nameOf(gateway));
    kept(this.#leaseTable.remove(Buffer.from(nameOf(gateway))));
  }

  #remove(device: string, lease: string): void {
    this.#leases.get(lease)?.devices.delete(device);
    this.#placeOf.delete(device);
    kept(this.#deviceTable.remove(Buffer.from(device)));
  }
}

function nameOf({ gatewayId, leaseEpoch }: LeaseName): string {
  return `${gatewayId}|${leaseEpoch}`;
}

function leaseOf(name: string, lastSeenAtMs: number): Lease {
  const [gatewayId = '', leaseEpoch = ''] = name.split('|');
  return { gatewayId, leaseEpoch: Number(leaseEpoch), lastSeenAtMs, devices: new Set() };
}

/** Whatever becomes of it: a device that is not on the list after a crash is only not looked after. */
function kept(write: Promise<unknown>): void {
  write.catch(() => undefined);
}
