SELECT conversation.conversation_id, conversation.kind, created_at_ms, title, array_agg(other.account_id ORDER BY other.account_id)::text[] AS members
FROM member AS own JOIN conversation USING (conversation_id) JOIN member AS other USING (conversation_id)
WHERE own.account_id = $1 AND ($2::uuid IS NULL OR own.conversation_id > $2)
GROUP BY conversation.conversation_id ORDER BY conversation.conversation_id LIMIT $3
