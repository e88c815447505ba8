SELECT account_id, device_id, kind, endpoint, keys
FROM unnest($1::uuid[], $2::smallint[]) AS asked (account_id, device_id)
JOIN push_subscription USING (account_id, device_id)
