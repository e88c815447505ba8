DELETE FROM device_link WHERE expires_at_ms <= $1 AND account_id IS NULL
