-- What is removed everywhere after a device was unlinked or an account erased: without a device, the whole account. Once that is done, a row of an account does not say whose it was.
CREATE TABLE removal (
  removal_id uuid PRIMARY KEY,
  account_id uuid,
  device_id smallint,
  begun_at_ms bigint NOT NULL,
  finished_at_ms bigint,
  removed jsonb
);
CREATE INDEX removal_open ON removal (begun_at_ms) WHERE finished_at_ms IS NULL;

-- The row of an erased account stays, and says nothing of it: others' conversations name it.
ALTER TABLE account
  ALTER COLUMN handle DROP NOT NULL,
  ADD COLUMN erased_at_ms bigint;

CREATE INDEX blob_owner ON blob (owner_id, blob_id) WHERE ended_at_ms IS NULL;
