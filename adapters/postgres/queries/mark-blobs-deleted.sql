UPDATE blob SET deleted_at_ms = $2 WHERE blob_id = ANY($1::uuid[]) AND ended_at_ms IS NOT NULL AND deleted_at_ms IS NULL RETURNING reason, size
