INSERT INTO device (
  account_id, device_id, registration_id, name, secret_hash,
  signed_prekey_id, signed_prekey, signed_prekey_signature,
  kem_last_resort_id, kem_last_resort, kem_last_resort_signature, created_at_ms
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
