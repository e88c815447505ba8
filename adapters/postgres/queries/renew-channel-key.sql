UPDATE conversation SET version = version + 1, epoch = $2, keyring = $3, invite_hash = NULL, invite_expires_at_ms = NULL WHERE conversation_id = $1
