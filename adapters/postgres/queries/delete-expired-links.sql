DELETE FROM device_link WHERE expires_at_ms <= $1
