import { beforeEach, describe, expect, test } from '@jest/globals';

import type { SessionClaim, SessionRegistry } from '../../ports/session-registry.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

export interface RegistryUnderTest {
  readonly registry: SessionRegistry;
  /** Lets the registry's time pass. */
  pass(ms: number): Promise<void>;
}

/** The promises of ports/session-registry.ts, for any adapter. */
export function sessionRegistryContract(name: string, open: () => Promise<RegistryUnderTest>): void {
  describe(`session registry: ${name}`, () => {
    let under: RegistryUnderTest;
    let device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
    let lease = 0;

    beforeEach(async () => {
      under = await open();
      device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
      lease = await under.registry.openLease('one');
    });

    const claim = (more: Partial<SessionClaim> = {}): SessionClaim => ({ device, gatewayId: 'one', leaseEpoch: lease, sessionEpoch: 1, ...more });
    const claimOne = async (more: Partial<SessionClaim> = {}) => (await under.registry.claim([claim(more)]))[0];
    const lookup = async () => (await under.registry.lookup([device.accountId]))[0];

    test('answers where a device is, and nothing for those it does not know', async () => {
      const stranger = newAccountId();
      expect(await claimOne()).toEqual({ outcome: 'claimed', existed: false, displaced: false });
      expect(await under.registry.lookup([stranger, device.accountId])).toEqual([
        [],
        [{ deviceId: 1, gatewayId: 'one', leaseEpoch: lease, sessionEpoch: 1 }],
      ]);
    });

    test('tells whether the entry was still there when it is claimed again', async () => {
      await claimOne();
      expect(await claimOne()).toEqual({ outcome: 'claimed', existed: true, displaced: false });
    });

    test('lets the highest connection of a device win, whoever comes first, and tells when it displaced one at another gateway', async () => {
      const other = await under.registry.openLease('two');
      await claimOne({ sessionEpoch: 5 });
      expect(await claimOne({ sessionEpoch: 4, gatewayId: 'two', leaseEpoch: other })).toEqual({ outcome: 'lost' });
      expect(await claimOne({ sessionEpoch: 6, gatewayId: 'two', leaseEpoch: other })).toEqual({
        outcome: 'claimed',
        existed: false,
        displaced: true,
      });
      expect(await claimOne({ sessionEpoch: 5 })).toEqual({ outcome: 'lost' });
    });

    test('gives an equal connection number only to the same gateway’s same or newer lease', async () => {
      const other = await under.registry.openLease('two');
      await claimOne();
      expect(await claimOne({ gatewayId: 'two', leaseEpoch: other })).toEqual({ outcome: 'lost' });
      const newer = await under.registry.openLease('one');
      expect(newer).toBeGreaterThan(lease);
      expect(await claimOne({ leaseEpoch: newer })).toEqual({ outcome: 'claimed', existed: false, displaced: false });
      expect(await claimOne()).toEqual({ outcome: 'lost' });
    });

    test('counts entries of an ended or replaced lease as no session at once', async () => {
      await claimOne();
      await under.registry.closeLease('one', lease);
      expect(await lookup()).toEqual([]);
      const newer = await under.registry.openLease('one');
      expect(await lookup()).toEqual([]);
      await claimOne({ leaseEpoch: newer });
      expect(await lookup()).toHaveLength(1);
    });

    test('lets a lease that is not renewed lapse, and never renews it after that', async () => {
      await claimOne();
      await under.pass(6_000);
      expect(await under.registry.renewLease('one', lease)).toBe(true);
      await under.pass(9_000);
      expect(await lookup()).toHaveLength(1);
      await under.pass(2_000);
      expect([await lookup(), await under.registry.renewLease('one', lease)]).toEqual([[], false]);
    });

    test('forgets an entry that is not claimed again for 60 s', async () => {
      await claimOne();
      for (let passed = 0; passed < 61_000; passed += 5_000) {
        await under.registry.renewLease('one', lease);
        await under.pass(5_000);
      }
      expect([await lookup(), await claimOne()]).toEqual([[], { outcome: 'claimed', existed: false, displaced: false }]);
    });

    test('releases exactly the entry that is named', async () => {
      await claimOne({ sessionEpoch: 2 });
      await under.registry.release([claim({ sessionEpoch: 1 }), claim({ sessionEpoch: 2, gatewayId: 'two' })]);
      expect(await lookup()).toHaveLength(1);
      await under.registry.release([claim({ sessionEpoch: 2 })]);
      expect(await lookup()).toEqual([]);
    });
  });
}
