UPDATE device SET kem_last_resort_id = $3, kem_last_resort = $4, kem_last_resort_signature = $5
WHERE account_id = $1 AND device_id = $2 AND revoked_at_ms IS NULL
