SELECT asked.number FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS asked (viewer_id, account_id, conversation_id, number)
JOIN account AS viewer ON viewer.account_id = asked.viewer_id
JOIN account AS viewed ON viewed.account_id = asked.account_id
WHERE viewer.account_id = viewed.account_id OR (
  viewer.last_seen_for <> 'nobody' AND viewed.last_seen_for <> 'nobody'
  AND NOT EXISTS (
    SELECT FROM (VALUES (viewer.account_id, viewer.last_seen_for), (viewed.account_id, viewed.last_seen_for)) AS shown (account_id, audience)
    WHERE audience = 'contacts' AND NOT EXISTS (
      SELECT FROM member WHERE member.conversation_id = asked.conversation_id AND member.account_id = shown.account_id AND opened
    )
  )
  AND NOT EXISTS (SELECT FROM block WHERE block.account_id = asked.viewer_id AND block.blocked_id = asked.account_id)
  AND NOT EXISTS (SELECT FROM block WHERE block.account_id = asked.account_id AND block.blocked_id = asked.viewer_id)
)
