SELECT version FROM conversation WHERE conversation_id = $1 AND kind = 'group' FOR NO KEY UPDATE
