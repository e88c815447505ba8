DELETE FROM blob WHERE blob_id IN (SELECT blob_id FROM blob WHERE deleted_at_ms < $1 ORDER BY deleted_at_ms LIMIT $2)
