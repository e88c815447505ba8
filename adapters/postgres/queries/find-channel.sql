SELECT conversation_id, created_at_ms, title, version, member_count, epoch, keyring, role
FROM conversation JOIN member USING (conversation_id)
WHERE conversation_id = $1 AND account_id = $2 AND kind = 'channel'
