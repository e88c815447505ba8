INSERT INTO member (conversation_id, account_id, role, joined_at_ms)
SELECT $1, account_id, 'member', $3 FROM unnest($2::uuid[]) AS given (account_id)
ON CONFLICT DO NOTHING
