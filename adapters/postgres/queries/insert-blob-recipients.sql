INSERT INTO blob_recipient (blob_id, account_id, device_id)
SELECT blob_id, account_id, device_id FROM unnest($1::uuid[]) AS blob (blob_id) CROSS JOIN unnest($2::uuid[], $3::smallint[]) AS recipient (account_id, device_id)
ON CONFLICT DO NOTHING
