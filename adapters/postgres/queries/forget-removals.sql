DELETE FROM removal WHERE removal_id IN (SELECT removal_id FROM removal WHERE finished_at_ms < $1 ORDER BY finished_at_ms LIMIT $2)
