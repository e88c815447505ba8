ALTER TABLE conversation
  ADD COLUMN created_by uuid,
  ADD COLUMN title bytea,
  ADD COLUMN invite_hash bytea UNIQUE,
  ADD COLUMN invite_expires_at_ms bigint;

-- Changes of groups that are not in the log yet.
CREATE TABLE untold_event (
  conversation_id uuid NOT NULL REFERENCES conversation,
  version bigint NOT NULL,
  by_account uuid NOT NULL,
  by_device smallint NOT NULL,
  event bytea NOT NULL,
  recipient_accounts uuid[] NOT NULL,
  recipient_devices smallint[] NOT NULL,
  made_at_ms bigint NOT NULL,
  PRIMARY KEY (conversation_id, version)
);
CREATE INDEX untold_event_by_age ON untold_event (made_at_ms);
