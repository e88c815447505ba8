-- Forgotten a year later.
CREATE INDEX removal_finished ON removal (finished_at_ms) WHERE finished_at_ms IS NOT NULL;
