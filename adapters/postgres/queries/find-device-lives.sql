SELECT asked.account_id, device_id, created_at_ms, revoked_at_ms, joined_at_ms
FROM (
  SELECT account_id FROM member WHERE conversation_id = (SELECT conversation_id FROM conversation WHERE conversation_id = $1 AND kind <> 'channel')
  UNION SELECT unnest($2::uuid[])
) AS asked (account_id)
JOIN device USING (account_id)
LEFT JOIN member ON member.account_id = asked.account_id AND member.conversation_id = $1
ORDER BY asked.account_id, device_id
