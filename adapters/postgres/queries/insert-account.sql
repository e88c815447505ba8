INSERT INTO account (account_id, handle, identity_key, device_list_version, device_list_signature, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
