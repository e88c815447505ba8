INSERT INTO push_subscription (account_id, device_id, kind, endpoint, keys, created_at_ms)
SELECT account_id, device_id, $3, $4, $5::jsonb, $6::bigint FROM device
WHERE account_id = $1 AND device_id = $2 AND revoked_at_ms IS NULL
FOR SHARE
ON CONFLICT (account_id, device_id) DO UPDATE
SET kind = excluded.kind, endpoint = excluded.endpoint, keys = excluded.keys, created_at_ms = excluded.created_at_ms
