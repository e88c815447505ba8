import { createSignatureCheck } from '../../core/xeddsa.js';
import { DomainError } from '../../protocol/errors.js';
import { maxWaitingCounted } from '../../protocol/rest/device.js';
import { requireListSignature } from './key-signatures.js';
import type { RestDependencies } from './rest-dependencies.js';
import type { RestHandlers } from './rest-handler.js';

/** More than so many small items have. */
const maxCountedBytes = 4 * 1024 * 1024;

export function deviceHandlers({
  accounts,
  devices,
  inbox,
  announcements,
  clock,
}: RestDependencies): RestHandlers<'listDevices' | 'getDrain' | 'removeDevice'> {
  const ownAccount = async (accountId: Parameters<typeof accounts.byId>[0]) => {
    const account = await accounts.byId(accountId);
    if (account === undefined) throw new DomainError('gone', 'the account was erased');
    return account;
  };
  return {
    listDevices: async ({ caller }) => {
      const { devices: items, deviceList } = await ownAccount(caller.accountId);
      return { status: 200, body: { items: [...items], deviceList } };
    },
    getDrain: async ({ caller }) => {
      const { rows, more } = await inbox.read(caller, { maxRows: maxWaitingCounted, maxBytes: maxCountedBytes });
      const oldestQueuedAtMs = rows.length === 0 ? undefined : Math.min(...rows.map(({ queuedAtMs }) => queuedAtMs));
      return { status: 200, body: { waiting: rows.length, more, ...(oldestQueuedAtMs === undefined ? {} : { oldestQueuedAtMs }) } };
    },
    removeDevice: async ({ caller, params, body }) => {
      const device = { accountId: caller.accountId, deviceId: params.deviceId };
      const { identityKey, devices: present } = await ownAccount(caller.accountId);
      const staying = present.filter(({ deviceId }) => deviceId !== device.deviceId);
      if (staying.length === present.length) throw new DomainError('not_found', 'there is no such active device');
      if (staying.length === 0) throw new DomainError('conflict', 'deviceId: the last device of an account stays', { detail: { field: 'deviceId' } });
      await requireListSignature(createSignatureCheck(identityKey), { accountId: caller.accountId, deviceList: body.deviceList, listed: staying });
      const { conversationIds, removalId } = await devices.revoke(device, body.deviceList, clock.nowMs());
      await announcements.publish({ kind: 'device-revoked', device, reason: 'deviceUnlinked' });
      await announcements.publish({ kind: 'roster-changed', conversationIds });
      return { status: 202, body: { removalId } };
    },
  };
}
