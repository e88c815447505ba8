INSERT INTO conversation (conversation_id, kind, created_at_ms, created_by, title, member_count, epoch, keyring)
VALUES ($1, 'channel', $2, $3, $4, 1, 1, $5) ON CONFLICT DO NOTHING
