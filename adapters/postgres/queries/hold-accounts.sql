SELECT account_id FROM account WHERE account_id = ANY ($1::uuid[]) ORDER BY account_id FOR KEY SHARE
