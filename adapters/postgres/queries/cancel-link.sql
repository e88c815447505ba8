UPDATE device_link SET expires_at_ms = LEAST(expires_at_ms, $3), sealed = NULL WHERE link_id = $1 AND account_id = $2 AND device_id IS NULL
