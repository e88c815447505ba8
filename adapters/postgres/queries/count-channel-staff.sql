SELECT count(*)::int AS staff FROM member WHERE conversation_id = $1 AND role <> 'member'
