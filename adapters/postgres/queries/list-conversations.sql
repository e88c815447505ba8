SELECT conversation_id, kind, created_at_ms, title, CASE WHEN kind <> 'channel' THEN (
  SELECT array_agg(account_id ORDER BY account_id)::text[] FROM member WHERE member.conversation_id = conversation.conversation_id
) END AS members
FROM member AS own JOIN conversation USING (conversation_id)
WHERE own.account_id = $1 AND ($2::uuid IS NULL OR conversation_id > $2)
ORDER BY conversation_id LIMIT $3
