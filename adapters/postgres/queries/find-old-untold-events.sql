SELECT conversation_id, by_account, by_device, event, recipient_accounts::text[] AS recipient_accounts, recipient_devices
FROM untold_event
WHERE conversation_id IN (SELECT conversation_id FROM untold_event WHERE made_at_ms < $1 ORDER BY made_at_ms LIMIT $2)
ORDER BY conversation_id, version
