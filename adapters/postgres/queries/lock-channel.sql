SELECT version, epoch, keyring, member_count FROM conversation WHERE conversation_id = $1 AND kind = 'channel' FOR NO KEY UPDATE
