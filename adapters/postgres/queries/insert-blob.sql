INSERT INTO blob (blob_id, owner_id, size, sha256, created_at_ms, not_before_ms, due_at_ms, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, 'orphan')
