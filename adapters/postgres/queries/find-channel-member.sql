SELECT member.account_id, role, device_id, registration_id
FROM conversation JOIN member USING (conversation_id) LEFT JOIN device ON device.account_id = member.account_id AND revoked_at_ms IS NULL
WHERE conversation_id = $1 AND kind = 'channel' AND member.account_id = $2 ORDER BY device_id
