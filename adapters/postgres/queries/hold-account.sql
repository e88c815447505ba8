SELECT account_id, handle, identity_key, device_list_version, device_list_signature, created_at_ms FROM account WHERE account_id = $1 AND erased_at_ms IS NULL FOR KEY SHARE
