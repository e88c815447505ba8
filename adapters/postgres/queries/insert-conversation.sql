INSERT INTO conversation (conversation_id, kind, created_at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
