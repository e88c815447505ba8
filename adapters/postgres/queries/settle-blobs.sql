UPDATE blob SET due_at_ms = least(due_at_ms, greatest(not_before_ms, $2)), reason = 'fetched'
WHERE blob_id = ANY($1::uuid[]) AND reason = 'expired' AND channel_id IS NULL AND ended_at_ms IS NULL
AND NOT EXISTS (
  SELECT FROM blob_recipient AS recipient JOIN device USING (account_id, device_id)
  WHERE recipient.blob_id = blob.blob_id AND recipient.fetched_at_ms IS NULL AND device.revoked_at_ms IS NULL
)
RETURNING due_at_ms
