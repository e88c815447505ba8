SELECT conversation_id, version FROM conversation WHERE conversation_id = ANY($1)
