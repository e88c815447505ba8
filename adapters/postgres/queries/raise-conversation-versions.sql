WITH own AS (
  SELECT conversation.conversation_id FROM conversation JOIN member USING (conversation_id)
  WHERE account_id = $1 AND kind <> 'channel' ORDER BY conversation.conversation_id FOR NO KEY UPDATE OF conversation
)
UPDATE conversation SET version = version + 1 FROM own
WHERE conversation.conversation_id = own.conversation_id
RETURNING conversation.conversation_id
