WITH claimed AS (
  DELETE FROM one_time_prekey
  WHERE (account_id, device_id, kind, key_id) = (
    SELECT account_id, device_id, kind, key_id FROM one_time_prekey
    WHERE account_id = $1 AND device_id = $2 AND kind = $3
    ORDER BY key_id LIMIT 1 FOR UPDATE SKIP LOCKED
  )
  RETURNING account_id, device_id, kind, key_id, public_key, signature
), spent AS (
  INSERT INTO spent_prekey (account_id, device_id, kind, key_id) SELECT account_id, device_id, kind, key_id FROM claimed
)
SELECT key_id, public_key, signature FROM claimed
