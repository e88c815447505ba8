SELECT blocked_id, blocked_at_ms FROM block WHERE account_id = $1 ORDER BY blocked_at_ms DESC, blocked_id
