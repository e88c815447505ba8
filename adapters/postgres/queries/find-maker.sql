SELECT kind, created_by FROM conversation WHERE conversation_id = $1
