import { randomUUID } from 'node:crypto';

import type { DrainRequest, DrainWave } from '../../core/drain-plan.js';
import { accountId, deviceId, type DeviceAddress } from '../../protocol/ids.js';

export function newDevice(): DeviceAddress {
  return { accountId: accountId.parse(randomUUID()), deviceId: deviceId.parse(1) };
}

export function newRequests(count: number): DrainRequest[] {
  return Array.from({ length: count }, (_, index) => ({ device: newDevice(), token: index + 1 }));
}

let waves = 0;
export function newWave(requests: readonly DrainRequest[], gatewayId = `gateway-${randomUUID().slice(0, 8)}`): DrainWave {
  waves += 1;
  return { gatewayId, leaseEpoch: Date.now(), number: waves, requests };
}

export interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
}

export function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
