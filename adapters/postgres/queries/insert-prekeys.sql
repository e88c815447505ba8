INSERT INTO one_time_prekey (account_id, device_id, kind, key_id, public_key, signature)
SELECT $1, $2, $3, key_id, public_key, signature FROM unnest($4::integer[], $5::bytea[], $6::bytea[]) AS given (key_id, public_key, signature)
WHERE NOT EXISTS (SELECT FROM spent_prekey AS spent WHERE spent.account_id = $1 AND spent.device_id = $2 AND spent.kind = $3 AND spent.key_id = given.key_id)
ON CONFLICT DO NOTHING
