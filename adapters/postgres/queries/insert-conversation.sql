INSERT INTO conversation (conversation_id, kind, created_at_ms, created_by, title) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
