SELECT removal_id, account_id, device_id, begun_at_ms, finished_at_ms, removed, ARRAY(
  SELECT device.device_id FROM device
  WHERE device.account_id = removal.account_id AND (removal.device_id IS NULL OR device.device_id = removal.device_id)
  ORDER BY device.device_id
) AS devices
FROM removal WHERE removal_id = $1
