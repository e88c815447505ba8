UPDATE device SET prekeys_told = $3 WHERE account_id = $1 AND device_id = $2 AND prekeys_told < $3
