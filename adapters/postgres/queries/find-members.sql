SELECT account_id, role, joined_at_ms FROM member WHERE conversation_id = $1 ORDER BY account_id
