SELECT conversation.kind, version, member.account_id, role, device_id, registration_id, last_seen_for, read_receipts, opened,
  CASE WHEN conversation.kind = 'direct' THEN EXISTS (
    SELECT FROM member AS other JOIN block ON block.account_id = member.account_id AND block.blocked_id = other.account_id
    WHERE other.conversation_id = member.conversation_id
  ) ELSE false END AS blocks
FROM conversation JOIN member USING (conversation_id) JOIN account ON account.account_id = member.account_id
LEFT JOIN device ON device.account_id = member.account_id AND revoked_at_ms IS NULL
WHERE conversation_id = $1 AND conversation.kind <> 'channel' ORDER BY member.account_id, device_id
