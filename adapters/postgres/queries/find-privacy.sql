SELECT last_seen_for, read_receipts FROM account WHERE account_id = $1
