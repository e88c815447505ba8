SELECT conversation_id, role FROM member JOIN conversation USING (conversation_id)
WHERE account_id = $1 AND conversation_id = ANY ($2::uuid[]) AND kind = 'channel'
