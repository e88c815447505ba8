import { changeChannel, isTold, notAMember, renewKey, requireRoom, requireStaff } from '../../core/channel-rules.js';
import type { Channel, ChannelMember, Channels } from '../../ports/channels.js';
import type { ChannelChange } from '../../core/channel-rules.js';
import type { MemberRole } from '../../protocol/conversation-event.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceId } from '../../protocol/ids.js';
import { putMembers } from './postgres-conversations.js';
import { findInvited, keepEvent, memberOfRow, requireMaker, type MemberRow } from './postgres-groups.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';

interface LockedRow {
  readonly version: number;
  readonly epoch: number;
  readonly keyring: Buffer;
  readonly member_count: number;
}

interface ChannelRow extends LockedRow {
  readonly conversation_id: ConversationId;
  readonly created_at_ms: number;
  readonly title: Buffer;
  readonly role: MemberRole;
}

interface DeviceRow {
  readonly account_id: AccountId;
  readonly role: MemberRole;
  readonly device_id: DeviceId | null;
  readonly registration_id: number | null;
}

type Change = 'create' | 'change' | 'renewKey' | 'setInvite' | 'join';

export function createPostgresChannels(pool: PostgresPool): Channels {
  return { ...changesOn(pool), ...readsOn(pool) };
}

function changesOn(pool: PostgresPool): Pick<Channels, Change> {
  return {
    create: ({ conversationId, title, keyring }, by, nowMs) =>
      pool.transaction(async (runner) => {
        const { accountId } = by;
        if ((await runner.change('insert-channel', conversationId, nowMs, accountId, title, keyring)) === 0) {
          await requireMaker(runner, 'channel', { conversationId, account: accountId });
          return false;
        }
        await putMembers(runner, conversationId, [{ accountId, role: 'owner', joinedAtMs: nowMs }]);
        await keepEvent(runner, { conversationId, by, event: { type: 'created', version: 1, members: [accountId], title }, told: [], nowMs });
        return true;
      }),
    change: (conversationId, by, wanted, nowMs) =>
      pool.transaction(async (runner) => {
        const { version } = await lockChannel(runner, conversationId);
        const members = await concernedBy(runner, conversationId, { by: by.accountId, wanted });
        const [count] = await runner.rows<{ staff: number }>('count-channel-staff', conversationId);
        const changed = changeChannel({ members, staff: count?.staff ?? 0 }, by.accountId, wanted, nowMs);
        if (changed === undefined) return false;
        const gone = members.map(({ accountId }) => accountId).filter((account) => !changed.members.some(({ accountId }) => accountId === account));
        if (gone.length > 0) {
          await runner.change('delete-members', conversationId, gone);
          await runner.change('change-channel-members', conversationId, -gone.length);
        }
        await putMembers(runner, conversationId, changed.members);
        await runner.change('change-conversation', conversationId, wanted.type === 'set-title' ? wanted.title : null);
        if (isTold(changed.event))
          await keepEvent(runner, { conversationId, by, event: { ...changed.event, version: version + 1 }, told: [], nowMs });
        return true;
      }),
    renewKey: (conversationId, by, key) =>
      pool.transaction(async (runner) => {
        const present = await lockChannel(runner, conversationId);
        const renewed = renewKey(present, await roleOf(runner, conversationId, by), key);
        if (renewed !== undefined) await runner.change('renew-channel-key', conversationId, renewed.epoch, renewed.keyring);
        return renewed !== undefined;
      }),
    setInvite: (conversationId, by, invite) =>
      pool.transaction(async (runner) => {
        await lockChannel(runner, conversationId);
        requireStaff(await roleOf(runner, conversationId, by), 'invite');
        await runner.change('set-invite', conversationId, invite?.hash ?? null, invite?.expiresAtMs ?? null);
      }),
    join: (inviteHash, accountId, nowMs) =>
      pool.transaction(async (runner) => {
        const conversationId = await findInvited(runner, 'channel', { inviteHash, nowMs });
        const { member_count: memberCount } = await lockChannel(runner, conversationId);
        // It may have ended before the lock was there.
        await findInvited(runner, 'channel', { inviteHash, nowMs });
        if (memberCount === 0) throw new DomainError('gone', 'everybody has left this channel');
        if ((await roleOf(runner, conversationId, accountId)) !== undefined) return conversationId;
        requireRoom(memberCount);
        await putMembers(runner, conversationId, [{ accountId, role: 'member', joinedAtMs: nowMs }]);
        await runner.change('change-channel-members', conversationId, 1);
        return conversationId;
      }),
  };
}

function readsOn(pool: PostgresPool): Omit<Channels, Change> {
  return {
    get: async (conversationId, accountId) => {
      const [row] = await pool.rows<ChannelRow>('find-channel', conversationId, accountId);
      return row && channelOf(row);
    },
    roles: async (accountId, conversationIds) => {
      const rows = await pool.rows<{ conversation_id: ConversationId; role: MemberRole }>('find-channel-roles', accountId, conversationIds);
      const roles = new Map(rows.map((row) => [row.conversation_id, row.role]));
      return conversationIds.map((conversationId) => roles.get(conversationId));
    },
    members: async (conversationId, { staffOnly, after, limit }) => {
      const query = staffOnly ? 'list-channel-staff' : 'list-channel-members';
      const rows = await pool.rows<{ account_id: AccountId; role: MemberRole }>(query, conversationId, after ?? null, limit);
      return rows.map((row): ChannelMember => ({ accountId: row.account_id, role: row.role }));
    },
    member: async (conversationId, accountId) => {
      const rows = await pool.rows<DeviceRow>('find-channel-member', conversationId, accountId);
      const [first] = rows;
      return first && { accountId, role: first.role, devices: rows.flatMap(deviceOf) };
    },
  };
}

async function lockChannel(runner: PostgresRunner, conversationId: ConversationId): Promise<LockedRow> {
  const [channel] = await runner.rows<LockedRow>('lock-channel', conversationId);
  if (channel === undefined) throw new DomainError('not_found', 'there is no such channel');
  return channel;
}

async function roleOf(runner: PostgresRunner, conversationId: ConversationId, account: AccountId): Promise<MemberRole | undefined> {
  const [row] = await runner.rows<MemberRow>('find-concerned-members', conversationId, [account]);
  return row?.role;
}

/** However many members there are. */
async function concernedBy(
  runner: PostgresRunner,
  conversationId: ConversationId,
  { by, wanted }: { readonly by: AccountId; readonly wanted: ChannelChange },
) {
  const accounts = 'account' in wanted ? [by, wanted.account] : [by];
  const rows = await runner.rows<MemberRow>('find-concerned-members', conversationId, accounts);
  const actor = rows.find(({ account_id: accountId }) => accountId === by);
  if (actor === undefined) throw notAMember();
  const heirs = wanted.type === 'leave' && actor.role === 'owner' ? await runner.rows<MemberRow>('find-heir', conversationId, by) : [];
  return [...rows, ...heirs].map(memberOfRow);
}

function channelOf(row: ChannelRow): Channel {
  const { conversation_id: conversationId, created_at_ms: createdAtMs, title, version, member_count: memberCount, epoch, keyring, role } = row;
  return { conversationId, createdAtMs, title, version, memberCount, epoch, keyring, role };
}

function deviceOf({ device_id: deviceId, registration_id: registrationId }: DeviceRow) {
  return deviceId === null || registrationId === null ? [] : [{ deviceId, registrationId }];
}
