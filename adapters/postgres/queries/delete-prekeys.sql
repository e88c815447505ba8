WITH spent AS (DELETE FROM spent_prekey WHERE account_id = $1 AND device_id = $2)
DELETE FROM one_time_prekey WHERE account_id = $1 AND device_id = $2
