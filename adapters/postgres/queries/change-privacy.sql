WITH before AS (SELECT last_seen_for, read_receipts FROM account WHERE account_id = $1 FOR NO KEY UPDATE),
changed AS (UPDATE account SET last_seen_for = $2, read_receipts = $3 WHERE account_id = $1)
SELECT conversation_id FROM member, before WHERE account_id = $1 AND (before.last_seen_for <> $2 OR before.read_receipts <> $3)
