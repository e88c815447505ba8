SELECT account_id, max(last_seen_at_ms) AS last_seen_at_ms FROM device
WHERE account_id = ANY ($1::uuid[]) AND revoked_at_ms IS NULL GROUP BY account_id
