SELECT account_id, role, joined_at_ms FROM member WHERE conversation_id = $1 AND account_id = ANY ($2::uuid[]) ORDER BY account_id
