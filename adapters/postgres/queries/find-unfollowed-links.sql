SELECT link_id, account_id FROM device_link
WHERE account_id IS NOT NULL AND closed_at_ms IS NULL AND (followed_at_ms IS NULL OR followed_at_ms < $1)
ORDER BY followed_at_ms NULLS FIRST LIMIT $2
