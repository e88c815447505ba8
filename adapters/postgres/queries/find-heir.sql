SELECT account_id, role, joined_at_ms FROM member WHERE conversation_id = $1 AND account_id <> $2
ORDER BY role = 'admin' DESC, joined_at_ms, account_id LIMIT 1
