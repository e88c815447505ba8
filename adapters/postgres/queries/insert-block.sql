INSERT INTO block (account_id, blocked_id, blocked_at_ms)
SELECT $1, $2, $3 WHERE (SELECT count(*) FROM block WHERE account_id = $1) < $4
ON CONFLICT DO NOTHING
