import { beforeEach, describe, expect, test } from '@jest/globals';

import type { LostGateway, LostGateways } from '../../ports/lost-gateways.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import type { DeviceAddress } from '../../protocol/ids.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

export interface LostGatewaysUnderTest {
  readonly registry: SessionRegistry;
  readonly lostGateways: LostGateways;
  /** Lets the registry's time pass. */
  pass(ms: number): Promise<void>;
}

/** The promises of ports/lost-gateways.ts, for any adapter. */
export function lostGatewaysContract(name: string, open: () => Promise<LostGatewaysUnderTest>): void {
  describe(`lost gateways: ${name}`, () => {
    let under: LostGatewaysUnderTest;
    let leaseEpoch = 0;
    const devices: DeviceAddress[] = Array.from({ length: 5 }, () => ({ accountId: newAccountId(), deviceId: deviceNumber(1) }));
    const byKey = [...devices].sort((one, other) => (one.accountId < other.accountId ? -1 : 1));
    const all = { after: undefined, limit: 100 };

    beforeEach(async () => {
      under = await open();
      leaseEpoch = await under.registry.openLease('one');
    });

    const claim = (of: readonly DeviceAddress[], gatewayId = 'one', lease = leaseEpoch, sessionEpoch = 1) =>
      under.registry.claim(of.map((device) => ({ device, gatewayId, leaseEpoch: lease, sessionEpoch })));
    const lapse = () => under.pass(11_000);
    const only = async (): Promise<LostGateway> => {
      const [lost, ...more] = await under.lostGateways.list();
      if (lost === undefined || more.length > 0) throw new Error('not one lost gateway');
      return lost;
    };

    test('are those whose lease lapsed, with the devices that they had, in pages', async () => {
      await claim(devices);
      expect(await under.lostGateways.list()).toEqual([]);
      await lapse();
      const lost = await only();
      expect(lost).toMatchObject({ gatewayId: 'one', leaseEpoch });
      expect(await under.lostGateways.count(lost)).toBe(5);
      const first = await under.lostGateways.devices(lost, { after: undefined, limit: 3 });
      const rest = await under.lostGateways.devices(lost, { after: first.at(-1), limit: 3 });
      expect([...first, ...rest]).toEqual(byKey);
    });

    test('were last seen when their lease was last renewed', async () => {
      const times = await Promise.all([under.lostGateways.list(), under.registry.openLease('clock')]);
      await under.pass(6_000);
      await under.registry.renewLease('one', leaseEpoch);
      await lapse();
      const [early, late] = [...(await under.lostGateways.list())].sort((one, other) => one.lastSeenAtMs - other.lastSeenAtMs);
      expect([times[0], early?.gatewayId, late?.gatewayId]).toEqual([[], 'clock', 'one']);
      expect((late?.lastSeenAtMs ?? 0) - (early?.lastSeenAtMs ?? 0)).toBeGreaterThan(900);
    });

    test('are not those that said good-bye', async () => {
      await claim(devices);
      await under.registry.release(devices.map((device) => ({ device, gatewayId: 'one', leaseEpoch, sessionEpoch: 1 })));
      await under.registry.closeLease('one', leaseEpoch);
      await lapse();
      expect(await under.lostGateways.list()).toEqual([]);
    });

    test('have none of the devices that left, or are at another gateway, or are settled', async () => {
      const other = await under.registry.openLease('two');
      await claim(devices);
      const [left, moved, settled, ...others] = byKey as [DeviceAddress, DeviceAddress, DeviceAddress, ...DeviceAddress[]];
      await under.registry.release([{ device: left, gatewayId: 'one', leaseEpoch, sessionEpoch: 1 }]);
      await claim([moved], 'two', other, 2);
      await under.pass(6_000);
      await under.registry.renewLease('two', other);
      await under.pass(6_000);
      const lost = await only();
      await under.lostGateways.settle(lost, [settled]);
      expect(await under.lostGateways.devices(lost, all)).toEqual(others);
      expect(await under.lostGateways.count(lost)).toBe(others.length);
    });

    test('keep a device whose older session is over', async () => {
      const [device] = devices as [DeviceAddress];
      await claim([device]);
      await claim([device], 'one', leaseEpoch, 2);
      await under.registry.release([{ device, gatewayId: 'one', leaseEpoch, sessionEpoch: 1 }]);
      await lapse();
      expect(await under.lostGateways.devices(await only(), all)).toEqual([device]);
    });

    test('stay lost when the gateway is back with another lease, until they are forgotten', async () => {
      await claim(devices);
      await lapse();
      const newer = await under.registry.openLease('one');
      const lost = await only();
      expect(lost.leaseEpoch).toBe(leaseEpoch);
      const [back, ...away] = byKey as [DeviceAddress, ...DeviceAddress[]];
      await claim([back], 'one', newer, 2);
      expect(await under.lostGateways.devices(lost, all)).toEqual(away);
      await under.lostGateways.forget(lost);
      await under.lostGateways.forget(lost);
      expect([await under.lostGateways.list(), await under.lostGateways.count(lost)]).toEqual([[], 0]);
      expect(await under.registry.renewLease('one', newer)).toBe(true);
    });
  });
}
