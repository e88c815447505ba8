UPDATE device SET signed_prekey_id = $3, signed_prekey = $4, signed_prekey_signature = $5
WHERE account_id = $1 AND device_id = $2 AND revoked_at_ms IS NULL
