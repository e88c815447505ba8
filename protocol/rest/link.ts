import { z } from 'zod';

import { bytes } from '../bytes.js';
import { deviceId, linkId } from '../ids.js';
import { accountView, deviceSecret, newDevice } from './account.js';
import { deviceList } from './device.js';

/** The device makes id and secret, so that a call whose answer was lost can be repeated. */
export const newLink = z.strictObject({ linkId, secret: deviceSecret });
export const openedLink = z.strictObject({ expiresAtMs: z.number().int() });

/** What only the device that opened the link can open: HPKE to the key that its code shows. */
export const linkAnswer = z.strictObject({ sealed: bytes(4_096, 1) });

export const linkQuestion = z.strictObject({ secret: deviceSecret });
export const linkState = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('waiting') }),
  z.strictObject({
    state: z.literal('answered'),
    sealed: bytes(4_096, 1),
    account: accountView,
    /** The number that the device is to have. Missing while the account has all the devices it may have. */
    deviceId: deviceId.optional(),
  }),
]);
export type LinkState = z.infer<typeof linkState>;

/** The device's secret is that of its link. */
export const linkedDevice = z.strictObject({
  device: newDevice.extend({ deviceId }),
  /** Over the account's devices and this one. */
  deviceList,
});
