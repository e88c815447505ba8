import { createSignatureCheck } from '../../core/xeddsa.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId } from '../../protocol/ids.js';
import { prekeyDigest } from '../../protocol/rest/prekey.js';
import { requirePrekeySignatures } from './key-signatures.js';
import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

type PrekeyOperation = 'uploadPrekeys' | 'countPrekeys' | 'checkPrekeys' | 'claimPrekeys';

export function prekeyHandlers(dependencies: RestDependencies): RestHandlers<PrekeyOperation> {
  const { prekeys, rateLimiter, events } = dependencies;
  return {
    uploadPrekeys: async ({ caller, body }) => {
      const { identityKey } = await prekeys.current(caller);
      await requirePrekeySignatures(createSignatureCheck(identityKey), body);
      return { status: 200, body: await prekeys.upload(caller, body) };
    },
    countPrekeys: async ({ caller }) => ({ status: 200, body: await prekeys.count(caller) }),
    checkPrekeys: async ({ caller, body }) => {
      const same = Buffer.compare(prekeyDigest(await prekeys.current(caller)), body.digest) === 0;
      if (!same) throw new DomainError('conflict', 'digest: the server holds other keys; upload them again', { detail: { field: 'digest' } });
      return { status: 204, body: undefined };
    },
    claimPrekeys: async ({ caller, params, query }) => {
      await requireRate(rateLimiter, 'prekeyBundle', `${caller.accountId}>${params.accountId}`);
      const { accountId, identityKey, deviceList, listed, devices } = await prekeys.claim(params.accountId, query.device);
      for (const { kemIsLastResort } of devices) events.prekeysClaimed(kemIsLastResort ? 'last-resort' : 'one-time');
      await tellScarce(dependencies, accountId);
      const bundles = devices.map(({ deviceId, registrationId, signedPrekey, ecPrekey, kemPrekey }) => ({
        deviceId,
        registrationId,
        signedPrekey,
        ...(ecPrekey === undefined ? {} : { ecPrekey }),
        kemPrekey,
      }));
      return { status: 200, body: { accountId, identityKey, deviceList, listed: [...listed], devices: bundles } };
    },
  };
}

/** What was claimed is answered whatever becomes of this: the next claim finds what was not told. */
async function tellScarce({ prekeys, announcements, wakeUps, events }: RestDependencies, accountId: AccountId): Promise<void> {
  try {
    for (const scarce of await prekeys.newlyScarce(accountId)) {
      events.prekeysScarce();
      await announcements.publish({ kind: 'prekeys-scarce', ...scarce });
      wakeUps.ask(scarce.device, 'for-keys');
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
  }
}
