SELECT conversation_id, kind, created_at_ms, title, array_agg(account_id ORDER BY account_id) FILTER (WHERE account_id IS NOT NULL)::text[] AS members
FROM conversation LEFT JOIN member USING (conversation_id)
WHERE conversation_id = $1 GROUP BY conversation_id
