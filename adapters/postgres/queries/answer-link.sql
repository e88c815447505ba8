UPDATE device_link SET account_id = $2, answered_by = $3, sealed = $4
WHERE link_id = $1 AND device_id IS NULL AND (account_id IS NULL OR account_id = $2)
