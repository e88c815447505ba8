-- Removes exactly the entries that are named, and the devices from the lists of their gateways.
-- KEYS: an account's key for each. ARGV: start of the names of lists, then for each: account id, device id, gateway id, lease epoch, session epoch.
for index, key in ipairs(KEYS) do
  local at = 2 + (index - 1) * 5
  local account, device, gateway, lease, session = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local value = redis.call('GET', key)
  local devices = value and cjson.decode(value) or {}
  local entry = devices[device]
  local isNamed = entry and entry[1] == gateway and entry[2] == lease and entry[3] == session
  if isNamed then
    devices[device] = nil
    if next(devices) then
      redis.call('SET', key, cjson.encode(devices), 'KEEPTTL')
    else
      redis.call('DEL', key)
    end
  end
  if isNamed or not entry then redis.call('ZREM', ARGV[1] .. gateway .. ':' .. lease, account .. '.' .. device) end
end
return #KEYS
