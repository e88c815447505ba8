DELETE FROM device_link WHERE link_id IN (SELECT link_id FROM device_link WHERE closed_at_ms < $1 ORDER BY closed_at_ms LIMIT $2)
