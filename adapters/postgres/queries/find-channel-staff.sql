SELECT version, epoch, account_id, role FROM conversation JOIN member USING (conversation_id)
WHERE conversation_id = $1 AND kind = 'channel' AND role <> 'member' ORDER BY account_id
