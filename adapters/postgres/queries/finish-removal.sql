UPDATE removal SET finished_at_ms = $2, removed = $3, account_id = CASE WHEN device_id IS NULL THEN NULL ELSE account_id END
WHERE removal_id = $1 AND finished_at_ms IS NULL
