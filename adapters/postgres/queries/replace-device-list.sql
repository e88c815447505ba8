UPDATE account SET device_list_version = $2, device_list_signature = $3 WHERE account_id = $1
