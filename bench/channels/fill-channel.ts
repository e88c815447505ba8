import { Client } from 'pg';

import type { ConversationId } from '../../protocol/ids.js';

/** Makes accounts that are in a channel and have no device, straight in the directory: a hundred thousand registrations would take longer than everything that is measured. */
export async function fillChannel(postgresUrl: string, conversationId: ConversationId, members: number): Promise<void> {
  const client = new Client(postgresUrl);
  await client.connect();
  try {
    const key = `'\\x05'::bytea`;
    await client.query(
      `WITH made AS (
         INSERT INTO account SELECT gen_random_uuid(), 'member-' || $2::text || '-' || n, ${key}, 1, ${key}, 0 FROM generate_series(1, $1::int) AS n
         RETURNING account_id
       ), joined AS (
         INSERT INTO member SELECT $2::uuid, account_id, 'member', 0 FROM made RETURNING account_id
       )
       UPDATE conversation SET member_count = member_count + (SELECT count(*) FROM joined) WHERE conversation_id = $2::uuid`,
      [members, conversationId],
    );
    // What PostgreSQL planned for a few rows takes seconds with so many, until it looks again by itself.
    await client.query('ANALYZE account, member');
  } finally {
    await client.end();
  }
}
