-- One-time keys that were handed out: a device that uploads them again does not bring them back.
CREATE TABLE spent_prekey (
  account_id uuid NOT NULL,
  device_id smallint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ec', 'kem')),
  key_id integer NOT NULL,
  PRIMARY KEY (account_id, device_id, kind, key_id),
  FOREIGN KEY (account_id, device_id) REFERENCES device
);
