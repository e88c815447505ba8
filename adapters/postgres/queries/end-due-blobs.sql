UPDATE blob SET ended_at_ms = coalesce(ended_at_ms, $3)
WHERE blob_id IN (
  SELECT blob_id FROM blob WHERE deleted_at_ms IS NULL AND due_at_ms > $1 AND due_at_ms <= $2 ORDER BY due_at_ms LIMIT $4 FOR UPDATE
)
RETURNING blob_id
