UPDATE account SET erased_at_ms = $2, handle = NULL, identity_key = '', device_list_signature = ''
WHERE account_id = $1 AND erased_at_ms IS NULL
