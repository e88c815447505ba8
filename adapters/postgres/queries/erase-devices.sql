WITH prekeys AS (DELETE FROM one_time_prekey WHERE account_id = $1),
  spent AS (DELETE FROM spent_prekey WHERE account_id = $1),
  subscriptions AS (DELETE FROM push_subscription WHERE account_id = $1),
  links AS (DELETE FROM device_link WHERE account_id = $1),
  blocks AS (DELETE FROM block WHERE account_id = $1 OR blocked_id = $1)
UPDATE device SET revoked_at_ms = coalesce(revoked_at_ms, $2), last_seen_at_ms = NULL, name = '', secret_hash = '',
  signed_prekey = '', signed_prekey_signature = '', kem_last_resort = '', kem_last_resort_signature = ''
WHERE account_id = $1
RETURNING device_id
