SELECT device_id, prekeys_told, count(*) FILTER (WHERE kind = 'ec') AS ec, count(*) FILTER (WHERE kind = 'kem') AS kem
FROM device LEFT JOIN one_time_prekey USING (account_id, device_id)
WHERE account_id = $1 AND revoked_at_ms IS NULL
GROUP BY device_id, prekeys_told ORDER BY device_id
