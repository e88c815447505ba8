-- $5: over which it goes.
UPDATE device_link SET history = CASE WHEN history = ANY($5::text[]) THEN $4 ELSE history END
WHERE link_id = $1 AND account_id = $2 AND $3 IN (answered_by, device_id)
