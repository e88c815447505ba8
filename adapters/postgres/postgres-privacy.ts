import type { Privacy } from '../../ports/privacy.js';
import { DomainError } from '../../protocol/errors.js';
import { directConversationId, type AccountId, type ConversationId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { Audience } from '../../protocol/rest/privacy.js';
import { holdAccounts } from './postgres-conversations.js';
import type { PostgresPool } from './postgres-pool.js';

interface BlockRow {
  readonly blocked_id: AccountId;
  readonly blocked_at_ms: number;
}

export function createPostgresPrivacy(pool: PostgresPool): Privacy {
  return {
    settings: async (accountId) => {
      const [row] = await pool.rows<{ last_seen_for: Audience; read_receipts: boolean }>('find-privacy', accountId);
      if (row === undefined) throw new DomainError('not_found', 'there is no such account');
      return { lastSeen: row.last_seen_for, readReceipts: row.read_receipts };
    },
    change: async (accountId, { lastSeen, readReceipts }) => {
      const rows = await pool.rows<{ conversation_id: ConversationId }>('change-privacy', accountId, lastSeen, readReceipts);
      return rows.map((row) => row.conversation_id);
    },
    block: (accountId, other, nowMs) =>
      pool.transaction(async (runner) => {
        await holdAccounts(runner, [accountId, other]);
        if ((await runner.change('insert-block', accountId, other, nowMs, limits.maxBlocks)) > 0) return true;
        const known = await runner.rows<BlockRow>('list-blocks', accountId);
        if (known.some((row) => row.blocked_id === other)) return false;
        throw new DomainError('too_large', `an account blocks at most ${limits.maxBlocks} others`, { detail: { limit: limits.maxBlocks } });
      }),
    unblock: async (accountId, other) => (await pool.change('delete-block', accountId, other)) > 0,
    mayView: async (viewings) => {
      const columns = [viewings.map(({ viewer }) => viewer), viewings.map(({ accountId }) => accountId)];
      const conversations = viewings.map(({ viewer, accountId }) => directConversationId(viewer, accountId));
      const rows = await pool.rows<{ number: number }>('find-viewings', ...columns, conversations);
      const numbers = new Set(rows.map(({ number }) => number));
      return viewings.map((_, index) => numbers.has(index + 1));
    },
    blocks: async (accountId) => {
      const rows = await pool.rows<BlockRow>('list-blocks', accountId);
      return rows.map((row) => ({ accountId: row.blocked_id, blockedAtMs: row.blocked_at_ms }));
    },
  };
}
