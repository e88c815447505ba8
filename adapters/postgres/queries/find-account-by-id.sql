SELECT account.account_id, account.handle, account.identity_key, account.device_list_version, account.device_list_signature, account.created_at_ms,
  device.device_id, device.registration_id, device.name AS device_name, device.created_at_ms AS device_created_at_ms, device.last_seen_at_ms
FROM account
LEFT JOIN device ON device.account_id = account.account_id AND device.revoked_at_ms IS NULL
WHERE account.account_id = $1 AND account.erased_at_ms IS NULL
ORDER BY device.device_id
