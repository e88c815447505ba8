SELECT conversation_id, kind, created_at_ms, title, CASE WHEN kind <> 'channel' THEN (
  SELECT array_agg(account_id ORDER BY account_id)::text[] FROM member WHERE member.conversation_id = conversation.conversation_id
) END AS members
FROM conversation WHERE conversation_id = $1
