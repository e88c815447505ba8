UPDATE blob SET reason = 'revoked', ended_at_ms = $3, due_at_ms = greatest(not_before_ms, $3)
WHERE blob_id = $1 AND owner_id = $2 AND ended_at_ms IS NULL
RETURNING due_at_ms
