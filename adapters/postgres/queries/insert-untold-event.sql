INSERT INTO untold_event (conversation_id, version, by_account, by_device, event, recipient_accounts, recipient_devices, made_at_ms)
SELECT $1, $2, $3, $4, $5, coalesce(array_agg(account_id ORDER BY account_id, device_id), '{}'), coalesce(array_agg(device_id ORDER BY account_id, device_id), '{}'), $7
FROM device WHERE account_id = ANY ($6::uuid[]) AND revoked_at_ms IS NULL
