INSERT INTO removal (removal_id, account_id, device_id, begun_at_ms) VALUES ($1, $2, $3, $4)
