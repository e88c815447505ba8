DELETE FROM push_subscription WHERE account_id = $1 AND device_id = $2 AND endpoint = coalesce($3, endpoint)
