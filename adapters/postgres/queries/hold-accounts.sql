SELECT account_id FROM account WHERE account_id = ANY ($1::uuid[]) AND erased_at_ms IS NULL ORDER BY account_id FOR KEY SHARE
