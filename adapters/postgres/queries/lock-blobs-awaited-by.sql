SELECT blob.blob_id FROM blob JOIN blob_recipient AS recipient USING (blob_id)
WHERE recipient.account_id = $1 AND recipient.device_id = $2 AND recipient.fetched_at_ms IS NULL AND blob.ended_at_ms IS NULL
ORDER BY blob.blob_id FOR UPDATE OF blob
