UPDATE device SET last_seen_at_ms = $3 WHERE account_id = $1 AND device_id = $2 AND (last_seen_at_ms IS NULL OR last_seen_at_ms < $3)
