import { changeGroup, foundGroup, requireInviting, type GroupMember } from '../../core/group-rules.js';
import type { Groups, UntoldEvent } from '../../ports/groups.js';
import { decodeEvent, encodeEvent, type ConversationEvent, type MemberRole } from '../../protocol/conversation-event.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId } from '../../protocol/ids.js';
import { holdAccounts, putMembers } from './postgres-conversations.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';

interface MemberRow {
  readonly account_id: AccountId;
  readonly role: MemberRole;
  readonly joined_at_ms: number;
}

interface UntoldRow {
  readonly conversation_id: ConversationId;
  readonly by_account: AccountId;
  readonly by_device: DeviceId;
  readonly event: Buffer;
  readonly recipient_accounts: AccountId[];
  readonly recipient_devices: DeviceId[];
}

export function createPostgresGroups(pool: PostgresPool): Groups {
  const change: Groups['change'] = (conversationId, by, wanted, nowMs) =>
    pool.transaction(async (runner) => {
      const { version, members } = await lockGroup(runner, conversationId);
      const changed = changeGroup(members, by.accountId, wanted, nowMs);
      if (changed === undefined) return false;
      const gone = members.map(({ accountId }) => accountId).filter((account) => !changed.members.some(({ accountId }) => accountId === account));
      if (wanted.type === 'add') await holdAccounts(runner, wanted.accounts);
      if (gone.length > 0) await runner.change('delete-members', conversationId, gone);
      await putMembers(runner, conversationId, changed.members);
      await runner.change('change-conversation', conversationId, wanted.type === 'set-title' ? wanted.title : null);
      const told = [...changed.members.map(({ accountId }) => accountId), ...gone];
      await keepEvent(runner, { conversationId, by, event: { ...changed.event, version: version + 1 }, told, nowMs });
      return true;
    });

  return {
    change,
    create: ({ conversationId, members: others, title }, by, nowMs) =>
      pool.transaction(async (runner) => {
        const members = foundGroup(by.accountId, others, nowMs);
        const accounts = members.map(({ accountId }) => accountId);
        await holdAccounts(runner, accounts);
        if ((await runner.change('insert-conversation', conversationId, 'group', nowMs, by.accountId, title ?? null)) === 0) {
          await requireMaker(runner, conversationId, by.accountId);
          return false;
        }
        await putMembers(runner, conversationId, members);
        const event: ConversationEvent = { type: 'created', version: 1, members: accounts, ...(title === undefined ? {} : { title }) };
        await keepEvent(runner, { conversationId, by, event, told: accounts, nowMs });
        return true;
      }),
    setInvite: (conversationId, by, invite) =>
      pool.transaction(async (runner) => {
        const { members } = await lockGroup(runner, conversationId);
        requireInviting(members, by);
        await runner.change('set-invite', conversationId, invite?.hash ?? null, invite?.expiresAtMs ?? null);
      }),
    join: async (inviteHash, by, nowMs) => {
      const [invite] = await pool.rows<{ conversation_id: ConversationId; invite_expires_at_ms: number }>('find-invite', inviteHash);
      if (invite === undefined) throw new DomainError('not_found', 'there is no such invite');
      if (invite.invite_expires_at_ms <= nowMs) throw new DomainError('gone', 'the invite has ended');
      const conversationId = invite.conversation_id;
      return { conversationId, joined: await change(conversationId, by, { type: 'join' }, nowMs) };
    },
    untold: async (of) => {
      const rows =
        'conversationId' in of
          ? await pool.rows<UntoldRow>('find-untold-events', of.conversationId)
          : await pool.rows<UntoldRow>('find-old-untold-events', of.madeBeforeMs, of.limit);
      return rows.map(untoldOf);
    },
    told: async (events) => {
      const columns = [events.map(({ conversationId }) => conversationId), events.map(({ event }) => event.version)];
      await pool.change('delete-untold-events', ...columns);
    },
  };
}

async function lockGroup(
  runner: PostgresRunner,
  conversationId: ConversationId,
): Promise<{ readonly version: number; readonly members: readonly GroupMember[] }> {
  const [group] = await runner.rows<{ version: number }>('lock-group', conversationId);
  if (group === undefined) throw new DomainError('not_found', 'there is no such group');
  const rows = await runner.rows<MemberRow>('find-members', conversationId);
  return { version: group.version, members: rows.map((row) => ({ accountId: row.account_id, role: row.role, joinedAtMs: row.joined_at_ms })) };
}

async function requireMaker(runner: PostgresRunner, conversationId: ConversationId, account: AccountId): Promise<void> {
  const [found] = await runner.rows<{ kind: string; created_by: AccountId | null }>('find-maker', conversationId);
  if (found?.kind === 'group' && found.created_by === account) return;
  throw new DomainError('conflict', 'conversationId: taken', { detail: { field: 'conversationId' } });
}

interface Told {
  readonly conversationId: ConversationId;
  readonly by: DeviceAddress;
  readonly event: ConversationEvent;
  readonly told: readonly AccountId[];
  readonly nowMs: number;
}

async function keepEvent(runner: PostgresRunner, { conversationId, by, event, told, nowMs }: Told): Promise<void> {
  await runner.change('insert-untold-event', conversationId, event.version, by.accountId, by.deviceId, encodeEvent(event), told, nowMs);
}

function untoldOf(row: UntoldRow): UntoldEvent {
  const event = decodeEvent(row.event);
  if (event === undefined) throw new Error('an event of a newer version');
  const recipients = row.recipient_accounts.map((accountId, index) => ({ accountId, deviceId: row.recipient_devices[index] as DeviceId }));
  return { conversationId: row.conversation_id, by: { accountId: row.by_account, deviceId: row.by_device }, event, recipients };
}
