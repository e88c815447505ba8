SELECT conversation_id, by_account, by_device, event, recipient_accounts::text[] AS recipient_accounts, recipient_devices
FROM untold_event WHERE conversation_id = $1 ORDER BY version
