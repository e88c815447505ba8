SELECT device_id, registration_id,
  signed_prekey_id, signed_prekey, signed_prekey_signature,
  kem_last_resort_id, kem_last_resort, kem_last_resort_signature
FROM device WHERE account_id = $1 AND revoked_at_ms IS NULL ORDER BY device_id
