SELECT account_id, role FROM member WHERE conversation_id = $1 AND ($2::uuid IS NULL OR account_id > $2) ORDER BY account_id LIMIT $3
