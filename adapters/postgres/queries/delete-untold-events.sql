DELETE FROM untold_event USING unnest($1::uuid[], $2::bigint[]) AS told (conversation_id, version)
WHERE untold_event.conversation_id = told.conversation_id AND untold_event.version = told.version
