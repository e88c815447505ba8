UPDATE member SET opened = true WHERE conversation_id = $1 AND account_id = $2 AND NOT opened
