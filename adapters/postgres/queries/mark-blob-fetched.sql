UPDATE blob_recipient SET fetched_at_ms = coalesce(fetched_at_ms, $4) WHERE blob_id = $1 AND account_id = $2 AND device_id = $3
