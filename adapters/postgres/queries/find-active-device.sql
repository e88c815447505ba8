SELECT secret_hash FROM device WHERE account_id = $1 AND device_id = $2 AND revoked_at_ms IS NULL
