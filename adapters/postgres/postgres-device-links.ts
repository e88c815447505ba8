import type { AccountWithDevices } from '../../ports/accounts.js';
import type { DeviceLinks, Joining, LinkedDevice, LinkProgress } from '../../ports/device-links.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceId, type AccountId, type DeviceId, type LinkId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { HistoryStep, LinkStage } from '../../protocol/rest/link.js';
import { accountOf, type AccountDeviceRow } from './account-row.js';
import { insertDevice } from './insert-device.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';
import { lockDeviceList, replaceDeviceList } from './replace-device-list.js';

interface LinkRow {
  readonly secret_hash: Buffer;
  readonly account_id: AccountId | null;
  readonly sealed: Buffer | null;
  readonly device_id: DeviceId | null;
}

interface ProgressRow extends Pick<LinkRow, 'device_id'> {
  readonly account_id: AccountId;
  readonly answered_by: DeviceId;
  readonly history: HistoryState | null;
  readonly expires_at_ms: number;
  /** Of the device that joined. */
  readonly revoked_at_ms: number | null;
}

type HistoryState = 'wanted' | HistoryStep;
/** Over which each step goes. */
const before: Readonly<Record<HistoryStep, readonly HistoryState[]>> = { offered: ['wanted'], nothing: ['wanted'], taken: ['wanted', 'offered'] };

export function createPostgresDeviceLinks(pool: PostgresPool): DeviceLinks {
  const progress = async (linkId: LinkId, nowMs: number) => {
    const [row] = await pool.rows<ProgressRow>('find-link-progress', linkId);
    return row && progressOf(row, nowMs);
  };
  return {
    open: async ({ linkId, secretHash, expiresAtMs }, nowMs) => {
      await pool.change('delete-unanswered-links', nowMs);
      if ((await pool.change('insert-link', linkId, secretHash, expiresAtMs, nowMs)) === 0) {
        throw new DomainError('conflict', 'linkId: taken already', { detail: { field: 'linkId' } });
      }
    },
    answer: (linkId, { accountId, deviceId }, sealed, nowMs) =>
      pool.transaction(async (runner) => {
        await lockLink(runner, linkId, nowMs);
        requireRoom(await nextDeviceId(runner, accountId));
        if ((await runner.change('answer-link', linkId, accountId, deviceId, sealed)) === 0) {
          throw new DomainError('conflict', 'this link was answered before');
        }
      }),
    answerOf: async ({ linkId, secretHash }, nowMs) => {
      const [link] = await pool.rows<LinkRow>('find-link', linkId, nowMs);
      requireSecret(link, secretHash);
      if (link.account_id === null || link.sealed === null) return undefined;
      const account = await accountWithDevices(pool, link.account_id);
      return { sealed: link.sealed, account, deviceId: link.device_id ?? (await nextDeviceId(pool, link.account_id)) };
    },
    finish: (linkId, joining, nowMs) => pool.transaction((runner) => finish(runner, linkId, { ...joining, nowMs })),
    progress,
    tell: async (linkId, { accountId, deviceId }, step) => {
      if ((await pool.change('tell-link-history', linkId, accountId, deviceId, step, before[step])) === 0) throw noSuchLink();
    },
    cancel: async (linkId, accountId, nowMs) => {
      if ((await pool.change('cancel-link', linkId, accountId, nowMs)) > 0) return;
      if ((await progress(linkId, nowMs))?.answeredBy.accountId !== accountId) throw noSuchLink();
      throw new DomainError('conflict', 'the device has joined already; remove it');
    },
    follow: async (linkId, nowMs) => {
      await pool.change('follow-link', linkId, nowMs);
      return progress(linkId, nowMs);
    },
    unfollowed: async (sinceMs, limit) => {
      const rows = await pool.rows<Pick<ProgressRow, 'account_id'> & { readonly link_id: LinkId }>('find-unfollowed-links', sinceMs, limit);
      return rows.map(({ link_id: linkId, account_id: accountId }) => ({ linkId, accountId }));
    },
    close: async (linkId, nowMs) => {
      await pool.change('close-link', linkId, nowMs);
    },
    forget: (closedBeforeMs, limit) => pool.change('forget-links', closedBeforeMs, limit),
  };
}

function progressOf(row: ProgressRow, nowMs: number): LinkProgress {
  const { account_id: accountId, answered_by: answeredBy, device_id: deviceId, expires_at_ms: expiresAtMs } = row;
  return { stage: stageOf(row, nowMs), answeredBy: { accountId, deviceId: answeredBy }, deviceId: deviceId ?? undefined, expiresAtMs };
}

function stageOf({ device_id: deviceId, history, expires_at_ms: expiresAtMs, revoked_at_ms: revokedAtMs }: ProgressRow, nowMs: number): LinkStage {
  if (deviceId === null) return expiresAtMs > nowMs ? 'answered' : 'over';
  if (revokedAtMs !== null) return 'over';
  if (history === 'wanted') return 'joined';
  return history === 'offered' ? 'offered' : 'done';
}

interface Finish extends Joining {
  readonly nowMs: number;
}

async function finish(runner: PostgresRunner, linkId: LinkId, { device, deviceList, wantsHistory, nowMs }: Finish): Promise<LinkedDevice> {
  const link = await lockLink(runner, linkId, nowMs);
  requireSecret(link, device.secretHash);
  if (link.account_id === null) throw new DomainError('conflict', 'nobody has answered this link yet');
  const stored = await lockDeviceList(runner, link.account_id);
  if (link.device_id !== null) return linkedBefore(await accountWithDevices(runner, link.account_id), link.device_id);
  const next = requireRoom(await nextDeviceId(runner, link.account_id));
  if (device.deviceId !== next) {
    throw new DomainError('conflict', `device.deviceId: the next one is ${next}`, { detail: { field: 'device.deviceId' } });
  }
  await insertDevice(runner, link.account_id, device, nowMs);
  const conversationIds = await replaceDeviceList(runner, link.account_id, { stored, list: deviceList });
  await runner.change('burn-link', linkId, device.deviceId, wantsHistory ? 'wanted' : null);
  const account = await accountWithDevices(runner, link.account_id);
  return { account, deviceId: device.deviceId, createdAtMs: nowMs, created: true, conversationIds };
}

/** The answer got lost. */
function linkedBefore(account: AccountWithDevices, linked: DeviceId): LinkedDevice {
  const device = account.devices.find((of) => of.deviceId === linked);
  if (device === undefined) throw new DomainError('gone', 'the device was removed again');
  return { account, deviceId: linked, createdAtMs: device.createdAtMs, created: false, conversationIds: [] };
}

async function lockLink(runner: PostgresRunner, linkId: LinkId, nowMs: number): Promise<LinkRow> {
  const [link] = await runner.rows<LinkRow>('lock-link', linkId, nowMs);
  if (link === undefined) throw noSuchLink();
  return link;
}

function requireSecret(link: LinkRow | undefined, secretHash: Uint8Array): asserts link is LinkRow {
  if (link === undefined || Buffer.compare(link.secret_hash, secretHash) !== 0) throw noSuchLink();
}

function noSuchLink(): DomainError {
  return new DomainError('not_found', 'there is no such link, or its time is over');
}

async function accountWithDevices(runner: PostgresRunner, accountId: AccountId): Promise<AccountWithDevices> {
  const account = accountOf(await runner.rows<AccountDeviceRow>('find-account-by-id', accountId));
  if (account === undefined) throw new DomainError('gone', 'the account was erased');
  return account;
}

/** `undefined` for an account that may have no more. */
async function nextDeviceId(runner: PostgresRunner, accountId: AccountId): Promise<DeviceId | undefined> {
  const [count] = await runner.rows<{ active: number; next: number }>('count-devices', accountId);
  const { active, next } = count ?? { active: 0, next: 1 };
  return active < limits.maxDevicesPerAccount ? deviceId.safeParse(next).data : undefined;
}

function requireRoom(next: DeviceId | undefined): DeviceId {
  if (next !== undefined) return next;
  throw new DomainError('conflict', `an account has at most ${limits.maxDevicesPerAccount} devices; remove one first`, {
    detail: { field: 'devices', limit: limits.maxDevicesPerAccount },
  });
}
