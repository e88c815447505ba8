SELECT count(*) FILTER (WHERE revoked_at_ms IS NULL) AS active, max(device_id) + 1 AS next FROM device WHERE account_id = $1
