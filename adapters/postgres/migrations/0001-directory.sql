CREATE TABLE account (
  account_id uuid PRIMARY KEY,
  handle text NOT NULL UNIQUE,
  identity_key bytea NOT NULL,
  device_list_version bigint NOT NULL,
  device_list_signature bytea NOT NULL,
  created_at_ms bigint NOT NULL
);

CREATE TABLE device (
  account_id uuid NOT NULL REFERENCES account,
  device_id smallint NOT NULL,
  registration_id smallint NOT NULL,
  name text NOT NULL,
  secret_hash bytea NOT NULL,
  signed_prekey_id integer NOT NULL,
  signed_prekey bytea NOT NULL,
  signed_prekey_signature bytea NOT NULL,
  kem_last_resort_id integer NOT NULL,
  kem_last_resort bytea NOT NULL,
  kem_last_resort_signature bytea NOT NULL,
  created_at_ms bigint NOT NULL,
  last_seen_at_ms bigint,
  revoked_at_ms bigint,
  PRIMARY KEY (account_id, device_id)
);

CREATE TABLE one_time_prekey (
  account_id uuid NOT NULL,
  device_id smallint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ec', 'kem')),
  key_id integer NOT NULL,
  public_key bytea NOT NULL,
  signature bytea,
  PRIMARY KEY (account_id, device_id, kind, key_id),
  FOREIGN KEY (account_id, device_id) REFERENCES device
);

CREATE TABLE conversation (
  conversation_id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('direct', 'group', 'channel')),
  version bigint NOT NULL DEFAULT 1,
  created_at_ms bigint NOT NULL
);

CREATE TABLE member (
  conversation_id uuid NOT NULL REFERENCES conversation,
  account_id uuid NOT NULL REFERENCES account,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  joined_at_ms bigint NOT NULL,
  PRIMARY KEY (conversation_id, account_id)
);
CREATE INDEX member_by_account ON member (account_id, conversation_id);
