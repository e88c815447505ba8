-- Files of messages, whose bytes are in the blob store. A row outlives the bytes: it is the audit of their deletion.
CREATE TABLE blob (
  blob_id uuid PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES account,
  size bigint NOT NULL,
  sha256 bytea NOT NULL,
  created_at_ms bigint NOT NULL,
  -- An upload may still be under way before that.
  not_before_ms bigint NOT NULL,
  due_at_ms bigint NOT NULL,
  reason text NOT NULL CHECK (reason IN ('orphan', 'expired', 'fetched', 'revoked')),
  -- Where every member may fetch it.
  channel_id uuid REFERENCES conversation,
  -- Since then nobody is given it, and it comes back no more.
  ended_at_ms bigint,
  deleted_at_ms bigint
);
CREATE INDEX blob_due ON blob (due_at_ms) WHERE deleted_at_ms IS NULL;
CREATE INDEX blob_deleted ON blob (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;

CREATE TABLE blob_recipient (
  blob_id uuid NOT NULL REFERENCES blob ON DELETE CASCADE,
  account_id uuid NOT NULL,
  device_id smallint NOT NULL,
  fetched_at_ms bigint,
  PRIMARY KEY (blob_id, account_id, device_id),
  FOREIGN KEY (account_id, device_id) REFERENCES device
);
CREATE INDEX blob_recipient_awaited ON blob_recipient (account_id, device_id) WHERE fetched_at_ms IS NULL;
