import { rosterDigest, type Roster, type RosterDevice, type RosterMember } from '../../core/roster.js';
import type { Conversation, Conversations } from '../../ports/conversations.js';
import { DomainError } from '../../protocol/errors.js';
import { directConversationId, type AccountId, type ConversationId, type DeviceId } from '../../protocol/ids.js';
import type { PostgresPool } from './postgres-pool.js';

interface ConversationRow {
  readonly conversation_id: ConversationId;
  readonly kind: Conversation['kind'];
  readonly created_at_ms: number;
  readonly members: AccountId[];
}

interface RosterRow {
  readonly kind: Roster['kind'];
  readonly version: number;
  readonly account_id: AccountId;
  readonly role: RosterMember['role'];
  readonly device_id: DeviceId | null;
  readonly registration_id: number | null;
}

export function createPostgresConversations(pool: PostgresPool): Conversations {
  return {
    ensureDirect: (one, other, nowMs) =>
      pool.transaction(async (runner) => {
        for (const accountId of [one, other]) {
          if ((await runner.rows('find-account-by-id', accountId)).length === 0) throw new DomainError('not_found', 'there is no such account');
        }
        const conversationId = directConversationId(one, other);
        const made = await runner.change('insert-conversation', conversationId, 'direct', nowMs);
        if (made > 0) await runner.change('insert-members', conversationId, [one, other], nowMs);
        const [row] = await runner.rows<ConversationRow>('find-conversation', conversationId);
        if (row === undefined) throw new Error('a conversation without members');
        return { conversation: conversationOf(row), created: made > 0 };
      }),
    get: async (conversationId) => {
      const [row] = await pool.rows<ConversationRow>('find-conversation', conversationId);
      return row && conversationOf(row);
    },
    list: async (accountId, { after, limit }) =>
      (await pool.rows<ConversationRow>('list-conversations', accountId, after ?? null, limit)).map(conversationOf),
    roster: async (conversationId) => rosterOf(conversationId, await pool.rows<RosterRow>('find-roster', conversationId)),
  };
}

function conversationOf(row: ConversationRow): Conversation {
  return { conversationId: row.conversation_id, kind: row.kind, createdAtMs: row.created_at_ms, members: row.members };
}

function rosterOf(conversationId: ConversationId, rows: readonly RosterRow[]): Roster | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const members = new Map<AccountId, RosterMember & { devices: RosterDevice[] }>();
  for (const { account_id: accountId, role, device_id: deviceId, registration_id: registrationId } of rows) {
    const member = members.get(accountId) ?? { accountId, role, devices: [] };
    members.set(accountId, member);
    if (deviceId !== null && registrationId !== null) member.devices.push({ deviceId, registrationId });
  }
  const list = [...members.values()];
  return { conversationId, kind: first.kind, version: first.version, members: list, digest: rosterDigest(list) };
}
