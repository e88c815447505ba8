-- How far it is with a link after somebody answered it, until it is closed. Those of the last ten minutes begin again.
DELETE FROM device_link;
ALTER TABLE device_link
  ADD COLUMN answered_by smallint,
  ADD COLUMN history text CHECK (history IN ('wanted', 'offered', 'taken', 'nothing')),
  ADD COLUMN followed_at_ms bigint,
  ADD COLUMN closed_at_ms bigint;
CREATE INDEX device_link_unclosed ON device_link (followed_at_ms NULLS FIRST) WHERE account_id IS NOT NULL AND closed_at_ms IS NULL;
CREATE INDEX device_link_closed ON device_link (closed_at_ms) WHERE closed_at_ms IS NOT NULL;
