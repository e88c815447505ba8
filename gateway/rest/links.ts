import { secretHash } from '../../core/secret-hash.js';
import { createSignatureCheck } from '../../core/xeddsa.js';
import { DomainError } from '../../protocol/errors.js';
import type { LinkId } from '../../protocol/ids.js';
import { accountViewOf } from './account-view.js';
import { requireListSignature, requirePrekeySignatures } from './key-signatures.js';
import { requireRate } from '../require-rate.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

const lifetimeMs = 10 * 60_000;

type LinkCalls = 'openLink' | 'answerLink' | 'readLink' | 'finishLink' | 'getLink' | 'cancelLink' | 'tellLinkStep';

/** How a device joins an account: it opens a link, a device of the account answers it, and it finishes with its keys and the list that names it. */
export function linkHandlers({ deviceLinks, announcements, rateLimiter, clock }: RestDependencies): RestHandlers<LinkCalls> {
  const answerOf = async (linkId: LinkId, hash: Uint8Array) => {
    await requireRate(rateLimiter, 'token', `link:${linkId}`);
    return deviceLinks.answerOf({ linkId, secretHash: hash }, clock.nowMs());
  };
  return {
    openLink: async ({ body: { linkId, secret }, remoteAddress }) => {
      await requireRate(rateLimiter, 'link', remoteAddress);
      const nowMs = clock.nowMs();
      const expiresAtMs = nowMs + lifetimeMs;
      await deviceLinks.open({ linkId, secretHash: secretHash(secret), expiresAtMs }, nowMs);
      return { status: 201, body: { expiresAtMs } };
    },
    answerLink: async ({ caller, params, body }) => {
      await deviceLinks.answer(params.linkId, caller, body.sealed, clock.nowMs());
      return { status: 204, body: undefined };
    },
    readLink: async ({ params, body }) => {
      const answer = await answerOf(params.linkId, secretHash(body.secret));
      if (answer === undefined) return { status: 200, body: { state: 'waiting' } };
      const { sealed, account, deviceId } = answer;
      return { status: 200, body: { state: 'answered', sealed, account: accountViewOf(account), deviceId } };
    },
    finishLink: async ({ params, body: { device, deviceList, wantsHistory } }) => {
      const { deviceId, registrationId, name, secret, keys } = device;
      const hash = secretHash(secret);
      const answer = await answerOf(params.linkId, hash);
      if (answer === undefined) throw new DomainError('conflict', 'nobody has answered this link yet');
      const { accountId, identityKey, devices } = answer.account;
      const check = createSignatureCheck(identityKey);
      await requirePrekeySignatures(check, keys, 'device.keys.');
      const others = devices.filter((of) => of.deviceId !== deviceId);
      await requireListSignature(check, { accountId, deviceList, listed: [...others, { deviceId, registrationId }] });
      const joining = { device: { deviceId, registrationId, name, secretHash: hash, keys }, deviceList, wantsHistory };
      const linked = await deviceLinks.finish(params.linkId, joining, clock.nowMs());
      if (linked.created) await announcements.publish({ kind: 'roster-changed', conversationIds: linked.conversationIds });
      return {
        status: linked.created ? 201 : 200,
        body: { accountId, deviceId: linked.deviceId, handle: linked.account.handle, createdAtMs: linked.createdAtMs },
      };
    },
    getLink: async ({ caller, params: { linkId } }) => {
      const progress = await deviceLinks.progress(linkId, clock.nowMs());
      if (progress?.answeredBy.accountId !== caller.accountId) throw new DomainError('not_found', 'no device of this account answered such a link');
      const { stage, answeredBy, deviceId, expiresAtMs } = progress;
      return { status: 200, body: { linkId, stage, answeredBy: answeredBy.deviceId, deviceId, expiresAtMs } };
    },
    cancelLink: async ({ caller, params }) => {
      await deviceLinks.cancel(params.linkId, caller.accountId, clock.nowMs());
      return { status: 204, body: undefined };
    },
    tellLinkStep: async ({ caller, params, body }) => {
      await deviceLinks.tell(params.linkId, caller, body.step);
      return { status: 204, body: undefined };
    },
  };
}
