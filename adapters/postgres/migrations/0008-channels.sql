-- Of channels: how many members, so that nobody counts them; which of its keys counts; earlier keys, sealed under it by devices.
ALTER TABLE conversation
  ADD COLUMN member_count integer NOT NULL DEFAULT 0,
  ADD COLUMN epoch integer NOT NULL DEFAULT 0,
  ADD COLUMN keyring bytea;
-- Owners and admins, without a walk through all members.
CREATE INDEX member_staff ON member (conversation_id, account_id) WHERE role <> 'member';
