-- Removes exactly the entries that are named.
-- KEYS: an account's key for each. ARGV: for each: device id, gateway id, lease epoch, session epoch.
for index, key in ipairs(KEYS) do
  local at = 1 + (index - 1) * 4
  local value = redis.call('GET', key)
  if value then
    local devices = cjson.decode(value)
    local entry = devices[ARGV[at]]
    if entry and entry[1] == ARGV[at + 1] and entry[2] == ARGV[at + 2] and entry[3] == ARGV[at + 3] then
      devices[ARGV[at]] = nil
      if next(devices) then
        redis.call('SET', key, cjson.encode(devices), 'KEEPTTL')
      else
        redis.call('DEL', key)
      end
    end
  end
end
return #KEYS
