SELECT secret_hash, account_id, sealed, device_id FROM device_link WHERE link_id = $1 AND expires_at_ms > $2
