INSERT INTO device_link (link_id, secret_hash, expires_at_ms) VALUES ($1, $2, $3)
ON CONFLICT (link_id) DO UPDATE SET secret_hash = device_link.secret_hash WHERE device_link.secret_hash = excluded.secret_hash AND device_link.expires_at_ms > $4
