INSERT INTO member (conversation_id, account_id, role, joined_at_ms)
SELECT $1, account_id, role, joined_at_ms FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS given (account_id, role, joined_at_ms)
ON CONFLICT (conversation_id, account_id) DO UPDATE SET role = excluded.role
