SELECT count(*) FILTER (WHERE kind = 'ec') AS ec, count(*) FILTER (WHERE kind = 'kem') AS kem
FROM one_time_prekey WHERE account_id = $1 AND device_id = $2
