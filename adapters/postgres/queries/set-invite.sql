UPDATE conversation SET invite_hash = $2, invite_expires_at_ms = $3 WHERE conversation_id = $1
