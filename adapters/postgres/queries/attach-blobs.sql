UPDATE blob SET
  due_at_ms = greatest(not_before_ms, $2, CASE WHEN reason = 'expired' THEN due_at_ms END),
  reason = 'expired',
  channel_id = coalesce(channel_id, $3)
WHERE blob_id = ANY($1::uuid[])
RETURNING due_at_ms
