SELECT conversation_id, kind, created_at_ms, array_agg(other.account_id ORDER BY other.account_id)::text[] AS members
FROM member AS own JOIN conversation USING (conversation_id) JOIN member AS other USING (conversation_id)
WHERE own.account_id = $1 AND ($2::uuid IS NULL OR conversation_id > $2)
GROUP BY conversation_id ORDER BY conversation_id LIMIT $3
