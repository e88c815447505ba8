SELECT conversation_id, kind, created_at_ms, array_agg(account_id ORDER BY account_id)::text[] AS members
FROM conversation JOIN member USING (conversation_id)
WHERE conversation_id = $1 GROUP BY conversation_id
