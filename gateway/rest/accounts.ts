import { secretHash } from '../../core/secret-hash.js';
import { createSignatureCheck } from '../../core/xeddsa.js';
import type { DeviceId } from '../../protocol/ids.js';
import { accountViewOf } from './account-view.js';
import { requireListSignature, requirePrekeySignatures } from './key-signatures.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';
import { requireRate } from '../require-rate.js';

const primaryDevice = 1 as DeviceId;

type AccountOperation = 'registerAccount' | 'findAccount' | 'getOwnAccount' | 'getAccount';

export function accountHandlers({ accounts, privacy, clock, rateLimiter, registrationProof }: RestDependencies): RestHandlers<AccountOperation> {
  return {
    registerAccount: async ({ body, remoteAddress }) => {
      const { accountId, handle, identityKey, device, deviceList, proof } = body;
      const { secret, registrationId, name, keys } = device;
      await requireRate(rateLimiter, 'registration', remoteAddress);
      await registrationProof.check({ accountId, handle, proof });
      const check = createSignatureCheck(identityKey);
      await requirePrekeySignatures(check, keys, 'device.keys.');
      const listed = [{ deviceId: primaryDevice, registrationId }];
      await requireListSignature(check, { accountId, deviceList, listed });
      const { account, created } = await accounts.create(
        { accountId, handle, identityKey, createdAtMs: clock.nowMs() },
        { deviceId: primaryDevice, registrationId, name, secretHash: secretHash(secret), keys },
        deviceList,
      );
      const answer = { accountId, deviceId: primaryDevice, handle: account.handle, createdAtMs: account.createdAtMs };
      return { status: created ? 201 : 200, body: answer };
    },
    findAccount: async ({ query }) => ({ status: 200, body: accountViewOf(await accounts.byHandle(query.handle)) }),
    getOwnAccount: async ({ caller }) => {
      const view = accountViewOf(await accounts.byId(caller.accountId));
      return { status: 200, body: { ...view, privacy: await privacy.settings(caller.accountId) } };
    },
    getAccount: async ({ params }) => ({ status: 200, body: accountViewOf(await accounts.byId(params.accountId)) }),
  };
}
