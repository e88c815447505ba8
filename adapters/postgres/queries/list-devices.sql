SELECT device_id, registration_id, name, created_at_ms, last_seen_at_ms FROM device WHERE account_id = $1 AND revoked_at_ms IS NULL ORDER BY device_id
