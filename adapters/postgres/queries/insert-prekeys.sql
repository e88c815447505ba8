INSERT INTO one_time_prekey (account_id, device_id, kind, key_id, public_key, signature)
SELECT $1, $2, $3, key_id, public_key, signature FROM unnest($4::integer[], $5::bytea[], $6::bytea[]) AS given (key_id, public_key, signature)
ON CONFLICT DO NOTHING
