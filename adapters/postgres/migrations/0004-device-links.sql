-- Mailboxes by which devices join an account. One with a device number has done so.
CREATE TABLE device_link (
  link_id uuid PRIMARY KEY,
  secret_hash bytea NOT NULL,
  expires_at_ms bigint NOT NULL,
  account_id uuid REFERENCES account,
  sealed bytea,
  device_id smallint
);
CREATE INDEX device_link_by_expiry ON device_link (expires_at_ms);
