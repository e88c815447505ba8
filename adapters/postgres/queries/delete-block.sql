DELETE FROM block WHERE account_id = $1 AND blocked_id = $2
