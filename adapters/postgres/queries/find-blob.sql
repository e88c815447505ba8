SELECT blob_id, size, sha256, reason, ended_at_ms FROM blob
WHERE blob_id = $1 AND (
  owner_id = $2
  OR EXISTS (SELECT FROM blob_recipient AS recipient WHERE recipient.blob_id = blob.blob_id AND recipient.account_id = $2)
  OR EXISTS (SELECT FROM member WHERE member.conversation_id = blob.channel_id AND member.account_id = $2)
)
