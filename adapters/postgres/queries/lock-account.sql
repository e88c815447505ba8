SELECT device_list_version FROM account WHERE account_id = $1 AND erased_at_ms IS NULL FOR UPDATE
