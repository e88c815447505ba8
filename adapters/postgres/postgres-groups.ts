import { changeGroup, foundGroup, requireInviting, requireVersion, type GroupMember } from '../../core/group-rules.js';
import type { Groups, UntoldEvent } from '../../ports/groups.js';
import { decodeEvent, encodeEvent, type ConversationEvent, type MemberRole } from '../../protocol/conversation-event.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress, DeviceId } from '../../protocol/ids.js';
import { holdAccounts, putMembers } from './postgres-conversations.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';

export interface MemberRow {
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
      requireVersion(wanted, version);
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
          await requireMaker(runner, 'group', { conversationId, account: by.accountId });
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
      const conversationId = await findInvited(pool, 'group', { inviteHash, nowMs });
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
  return { version: group.version, members: rows.map(memberOfRow) };
}

export function memberOfRow({ account_id: accountId, role, joined_at_ms: joinedAtMs }: MemberRow): GroupMember {
  return { accountId, role, joinedAtMs };
}

/** The conversation that an invite is for. Throws DomainError `not_found`, `gone`. */
export async function findInvited(
  runner: PostgresRunner,
  kind: 'group' | 'channel',
  { inviteHash, nowMs }: { readonly inviteHash: Uint8Array; readonly nowMs: number },
): Promise<ConversationId> {
  const [invite] = await runner.rows<{ conversation_id: ConversationId; invite_expires_at_ms: number }>('find-invite', inviteHash, kind);
  if (invite === undefined) throw new DomainError('not_found', 'there is no such invite');
  if (invite.invite_expires_at_ms <= nowMs) throw new DomainError('gone', 'the invite has ended');
  return invite.conversation_id;
}

/** Throws DomainError `conflict` if the id is somebody else's. */
export async function requireMaker(
  runner: PostgresRunner,
  kind: 'group' | 'channel',
  { conversationId, account }: { readonly conversationId: ConversationId; readonly account: AccountId },
): Promise<void> {
  const [found] = await runner.rows<{ kind: string; created_by: AccountId | null }>('find-maker', conversationId);
  if (found?.kind === kind && found.created_by === account) return;
  throw new DomainError('conflict', 'conversationId: taken', { detail: { field: 'conversationId' } });
}

export interface Told {
  readonly conversationId: ConversationId;
  readonly by: DeviceAddress;
  readonly event: ConversationEvent;
  readonly told: readonly AccountId[];
  readonly nowMs: number;
}

/** In the transaction of the change. */
export async function keepEvent(runner: PostgresRunner, { conversationId, by, event, told, nowMs }: Told): Promise<void> {
  await runner.change('insert-untold-event', conversationId, event.version, by.accountId, by.deviceId, encodeEvent(event), told, nowMs);
}

function untoldOf(row: UntoldRow): UntoldEvent {
  const event = decodeEvent(row.event);
  if (event === undefined) throw new Error('an event of a newer version');
  const recipients = row.recipient_accounts.map((accountId, index) => ({ accountId, deviceId: row.recipient_devices[index] as DeviceId }));
  return { conversationId: row.conversation_id, by: { accountId: row.by_account, deviceId: row.by_device }, event, recipients };
}
