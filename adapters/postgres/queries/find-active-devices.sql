SELECT device.account_id, device.device_id
FROM unnest($1::uuid[], $2::smallint[]) AS asked (account_id, device_id)
JOIN device USING (account_id, device_id)
WHERE device.revoked_at_ms IS NULL
