DELETE FROM spent_prekey AS spent
USING (SELECT kind, max(key_id) AS newest FROM spent_prekey WHERE account_id = $1 AND device_id = $2 GROUP BY kind) AS of
WHERE spent.account_id = $1 AND spent.device_id = $2 AND spent.kind = of.kind AND spent.key_id < of.newest - $3
