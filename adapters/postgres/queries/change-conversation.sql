UPDATE conversation SET version = version + 1, title = coalesce($2, title) WHERE conversation_id = $1
