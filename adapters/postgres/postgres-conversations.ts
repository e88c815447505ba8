import { rosterDigest, type Roster, type RosterDevice, type RosterMember } from '../../core/roster.js';
import type { GroupMember } from '../../core/group-rules.js';
import { shownInChannels } from '../../core/channel-rules.js';
import type { DeviceLife } from '../../core/device-life.js';
import type { Conversation, Conversations } from '../../ports/conversations.js';
import { DomainError } from '../../protocol/errors.js';
import { directConversationId, isChannelId, type AccountId, type ConversationId, type DeviceId } from '../../protocol/ids.js';
import type { PostgresPool, PostgresRunner } from './postgres-pool.js';

interface ConversationRow {
  readonly conversation_id: ConversationId;
  readonly kind: Conversation['kind'];
  readonly created_at_ms: number;
  readonly title: Buffer | null;
  readonly members: AccountId[] | null;
}

interface RosterRow {
  readonly kind: Roster['kind'];
  readonly version: number;
  readonly account_id: AccountId;
  readonly role: RosterMember['role'];
  readonly device_id: DeviceId | null;
  readonly registration_id: number | null;
  readonly last_seen_for: RosterMember['lastSeen'];
  readonly read_receipts: boolean;
  readonly blocks: boolean;
  readonly opened: boolean;
}

interface StaffRow {
  readonly version: number;
  readonly epoch: number;
  readonly account_id: AccountId;
  readonly role: RosterMember['role'];
}

interface DeviceLifeRow {
  readonly account_id: AccountId;
  readonly device_id: DeviceId;
  readonly created_at_ms: number;
  readonly revoked_at_ms: number | null;
  readonly joined_at_ms: number | null;
}

export function createPostgresConversations(pool: PostgresPool): Conversations {
  return {
    ensureDirect: (one, other, nowMs) =>
      pool.transaction(async (runner) => {
        const members = [one, other].map((accountId): GroupMember => ({ accountId, role: 'member', joinedAtMs: nowMs }));
        await holdAccounts(runner, [one, other]);
        const conversationId = directConversationId(one, other);
        const made = await runner.change('insert-conversation', conversationId, 'direct', nowMs, one, null);
        if (made > 0) await putMembers(runner, conversationId, members);
        const opened = (await runner.change('open-direct', conversationId, one)) > 0;
        const [row] = await runner.rows<ConversationRow>('find-conversation', conversationId);
        if (row === undefined) throw new Error('a conversation without members');
        return { conversation: conversationOf(row), created: made > 0, opened };
      }),
    get: async (conversationId) => {
      const [row] = await pool.rows<ConversationRow>('find-conversation', conversationId);
      return row && conversationOf(row);
    },
    list: async (accountId, { after, limit }) =>
      (await pool.rows<ConversationRow>('list-conversations', accountId, after ?? null, limit)).map(conversationOf),
    roster: async (conversationId) =>
      isChannelId(conversationId)
        ? staffOf(conversationId, await pool.rows<StaffRow>('find-channel-staff', conversationId))
        : rosterOf(conversationId, await pool.rows<RosterRow>('find-roster', conversationId)),
    versions: async (conversationIds) => {
      const rows = await pool.rows<{ conversation_id: ConversationId; version: number }>('find-versions', conversationIds);
      return new Map(rows.map((row) => [row.conversation_id, row.version]));
    },
    deviceLives: async (conversationId, others) => (await pool.rows<DeviceLifeRow>('find-device-lives', conversationId, others)).map(deviceLifeOf),
  };
}

/** They stay while the transaction lasts. Throws DomainError `not_found` if one of them is not there. */
export async function holdAccounts(runner: PostgresRunner, accounts: readonly AccountId[]): Promise<void> {
  const found = new Set((await runner.rows<{ account_id: AccountId }>('hold-accounts', accounts)).map((row) => row.account_id));
  const missing = accounts.find((accountId) => !found.has(accountId));
  if (missing !== undefined) throw new DomainError('not_found', 'there is no such account', { detail: { accountId: missing } });
}

export async function putMembers(runner: PostgresRunner, conversationId: ConversationId, members: readonly GroupMember[]): Promise<void> {
  const columns = [members.map(({ accountId }) => accountId), members.map(({ role }) => role), members.map(({ joinedAtMs }) => joinedAtMs)];
  await runner.change('put-members', conversationId, ...columns);
}

function conversationOf({ conversation_id: conversationId, kind, created_at_ms: createdAtMs, title, members }: ConversationRow): Conversation {
  return { conversationId, kind, createdAtMs, ...(title === null ? {} : { title }), members: members ?? [] };
}

function deviceLifeOf(row: DeviceLifeRow): DeviceLife {
  return {
    device: { accountId: row.account_id, deviceId: row.device_id },
    createdAtMs: row.created_at_ms,
    ...(row.revoked_at_ms === null ? {} : { revokedAtMs: row.revoked_at_ms }),
    ...(row.joined_at_ms === null ? {} : { joinedAtMs: row.joined_at_ms }),
  };
}

function memberOf({ account_id: accountId, role, last_seen_for: lastSeen, read_receipts: readReceipts, blocks, opened }: RosterRow) {
  return { accountId, role, lastSeen, readReceipts, blocks, opened };
}

function rosterOf(conversationId: ConversationId, rows: readonly RosterRow[]): Roster | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const members = new Map<AccountId, RosterMember & { devices: RosterDevice[] }>();
  for (const row of rows) {
    const { account_id: accountId, device_id: deviceId, registration_id: registrationId } = row;
    const member = members.get(accountId) ?? { ...memberOf(row), devices: [] };
    members.set(accountId, member);
    if (deviceId !== null && registrationId !== null) member.devices.push({ deviceId, registrationId });
  }
  const list = [...members.values()];
  return { conversationId, kind: first.kind, version: first.version, members: list, digest: rosterDigest(list) };
}

/** Nothing is sealed for devices of a channel, so they are not asked for. */
function staffOf(conversationId: ConversationId, rows: readonly StaffRow[]): Roster | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const members = rows.map(({ account_id: accountId, role }): RosterMember => ({ accountId, role, devices: [], ...shownInChannels }));
  return { conversationId, kind: 'channel', version: first.version, members, digest: `${first.epoch}` };
}
