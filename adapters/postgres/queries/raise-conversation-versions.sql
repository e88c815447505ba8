UPDATE conversation SET version = version + 1
WHERE conversation_id IN (SELECT conversation_id FROM member WHERE account_id = $1)
RETURNING conversation_id
