SELECT link.account_id, link.answered_by, link.device_id, link.history, link.expires_at_ms, device.revoked_at_ms
FROM device_link link LEFT JOIN device USING (account_id, device_id)
WHERE link.link_id = $1 AND link.account_id IS NOT NULL
