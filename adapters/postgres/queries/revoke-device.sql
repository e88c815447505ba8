UPDATE device SET revoked_at_ms = $3 WHERE account_id = $1 AND device_id = $2 AND revoked_at_ms IS NULL
