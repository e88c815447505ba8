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
  wantsHistory: z.boolean().default(false).describe('Whether the link is under way until the device tells that it has what was said before.'),
});

/**
 * `answered`: the device behind the code is to join. `joined`: it is one of the account, and waits for what was said before. `offered`: that lies there for it. `done`: it has it, or there is
 * nothing, or it wanted nothing. `over`: nobody joined in time, the answer was taken back, or the device was removed again.
 */
const linkStage = z.enum(['answered', 'joined', 'offered', 'done', 'over']);
export type LinkStage = z.infer<typeof linkStage>;

export const linkProgress = z.strictObject({
  linkId,
  stage: linkStage,
  answeredBy: deviceId,
  /** Once it has joined. */
  deviceId: deviceId.optional(),
  expiresAtMs: z.number().int().describe('Until when the device behind the code can join.'),
});

/** `offered`: the device that answered put what was said before into a file for the new one. `nothing`: there is nothing. `taken`: the new one has it. */
export const historyStep = z.strictObject({ step: z.enum(['offered', 'nothing', 'taken']) });
export type HistoryStep = z.infer<typeof historyStep>['step'];
