UPDATE blob SET reason = 'revoked', ended_at_ms = $2, due_at_ms = greatest(not_before_ms, $2)
WHERE blob_id IN (SELECT blob_id FROM blob WHERE owner_id = $1 AND ended_at_ms IS NULL ORDER BY blob_id LIMIT $3 FOR UPDATE)
RETURNING due_at_ms
