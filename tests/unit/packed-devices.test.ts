import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { packDevices, unpackDevices } from '../../protocol/packed-devices.js';
import { deviceNumber, newAccountId } from '../support/ids.js';

test('devices come out as they went in, in their order', () => {
  const accounts = Array.from({ length: 5 }, newAccountId);
  const device = fc.record({ accountId: fc.constantFrom(...accounts), deviceId: fc.integer({ min: 1, max: 127 }).map(deviceNumber) });
  fc.assert(
    fc.property(fc.array(device, { maxLength: 600 }), (devices) => {
      expect(unpackDevices(packDevices(devices))).toEqual(devices);
    }),
  );
});

test('those of an account that stand together take its id once', () => {
  const devices = Array.from({ length: 256 }, newAccountId).flatMap((accountId) =>
    [1, 2].map((number) => ({ accountId, deviceId: deviceNumber(number) })),
  );
  expect(packDevices(devices)).toHaveLength(256 * (16 + 1 + 2));
});
