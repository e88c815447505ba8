-- Where a device is woken; the kind says what endpoint and keys mean.
CREATE TABLE push_subscription (
  account_id uuid NOT NULL,
  device_id smallint NOT NULL,
  kind text NOT NULL,
  endpoint text NOT NULL,
  keys jsonb NOT NULL,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (account_id, device_id),
  FOREIGN KEY (account_id, device_id) REFERENCES device
);
