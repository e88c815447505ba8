UPDATE conversation SET member_count = member_count + $2 WHERE conversation_id = $1
