WITH before AS (SELECT read_receipts FROM account WHERE account_id = $1 FOR NO KEY UPDATE),
changed AS (UPDATE account SET last_seen_for = $2, read_receipts = $3 WHERE account_id = $1)
SELECT conversation_id FROM member, before WHERE account_id = $1 AND before.read_receipts <> $3
