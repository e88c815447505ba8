ALTER TABLE account
  ADD COLUMN last_seen_for text NOT NULL DEFAULT 'everyone' CHECK (last_seen_for IN ('everyone', 'contacts', 'nobody')),
  ADD COLUMN read_receipts boolean NOT NULL DEFAULT true;

CREATE TABLE block (
  account_id uuid NOT NULL REFERENCES account,
  blocked_id uuid NOT NULL REFERENCES account,
  blocked_at_ms bigint NOT NULL,
  PRIMARY KEY (account_id, blocked_id)
);
