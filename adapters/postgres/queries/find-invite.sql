SELECT conversation_id, invite_expires_at_ms FROM conversation WHERE invite_hash = $1 AND kind = $2
