SELECT device_list_version FROM account WHERE account_id = $1 FOR UPDATE
