UPDATE device_link SET closed_at_ms = $2, expires_at_ms = LEAST(expires_at_ms, $2), sealed = NULL WHERE link_id = $1 AND closed_at_ms IS NULL
