SELECT removal_id, device_id FROM removal WHERE finished_at_ms IS NULL ORDER BY begun_at_ms LIMIT $1
