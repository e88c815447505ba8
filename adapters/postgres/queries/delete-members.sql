DELETE FROM member WHERE conversation_id = $1 AND account_id = ANY ($2::uuid[])
