SELECT asked.number FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS asked (viewer_id, account_id, conversation_id, number)
JOIN account AS viewer ON viewer.account_id = asked.viewer_id
JOIN account AS viewed ON viewed.account_id = asked.account_id
WHERE viewer.account_id = viewed.account_id OR (
  viewer.last_seen_for <> 'nobody' AND viewed.last_seen_for <> 'nobody'
  AND ((viewer.last_seen_for = 'everyone' AND viewed.last_seen_for = 'everyone')
    OR EXISTS (SELECT FROM conversation WHERE conversation.conversation_id = asked.conversation_id))
  AND NOT EXISTS (SELECT FROM block WHERE block.account_id = asked.viewer_id AND block.blocked_id = asked.account_id)
  AND NOT EXISTS (SELECT FROM block WHERE block.account_id = asked.account_id AND block.blocked_id = asked.viewer_id)
)
