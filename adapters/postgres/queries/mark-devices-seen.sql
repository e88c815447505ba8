WITH seen AS (
  SELECT account_id, device_id, max(at_ms) AS at_ms FROM unnest($1::uuid[], $2::smallint[], $3::bigint[]) AS each (account_id, device_id, at_ms)
  GROUP BY account_id, device_id
), marked AS (
  UPDATE device SET last_seen_at_ms = seen.at_ms FROM seen
  WHERE device.account_id = seen.account_id AND device.device_id = seen.device_id AND (device.last_seen_at_ms IS NULL OR device.last_seen_at_ms < seen.at_ms)
)
SELECT account_id, device_id, last_seen_at_ms FROM device JOIN seen USING (account_id, device_id)
