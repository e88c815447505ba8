-- Claims sessions; a higher connection number wins, of equal ones the same gateway's same or newer lease.
-- KEYS: an account's key for each claim. ARGV: life in ms, start of the names of lists, their life in ms, then for each claim: account id, device id, gateway id, lease epoch, session epoch.
-- Answers for each claim -1 (somebody else holds it), 0 (claimed), 1 (claimed, and exactly this entry was there) or 2 (claimed, and a session at another gateway was there).
-- The device goes from the list of devices of the gateway that had it to that of the one that has it.
-- A value is JSON: device id -> [gateway id, lease epoch, session epoch, until], numbers as text.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life = tonumber(ARGV[1])
local answers = {}
local extended = {}
for index, key in ipairs(KEYS) do
  local at = 4 + (index - 1) * 5
  local account, device, gateway, lease, session = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local value = redis.call('GET', key)
  local devices = value and cjson.decode(value) or {}
  local entry = devices[device]
  local list = ARGV[2] .. gateway .. ':' .. lease
  local before = entry and ARGV[2] .. entry[1] .. ':' .. entry[2]
  if entry and tonumber(entry[4]) <= now then entry = nil end
  local lost = false
  if entry then
    local held = tonumber(entry[3])
    local claimed = tonumber(session)
    if held > claimed then lost = true end
    if held == claimed and (entry[1] ~= gateway or tonumber(entry[2]) > tonumber(lease)) then lost = true end
  end
  if lost then
    answers[index] = -1
  else
    local existed = entry and entry[1] == gateway and entry[2] == lease and entry[3] == session
    devices[device] = { gateway, lease, session, string.format('%.0f', now + life) }
    redis.call('SET', key, cjson.encode(devices), 'PX', life)
    local displaced = entry and entry[1] ~= gateway
    if before and before ~= list then redis.call('ZREM', before, account .. '.' .. device) end
    if not existed then redis.call('ZADD', list, 0, account .. '.' .. device) end
    if not extended[list] then redis.call('PEXPIRE', list, ARGV[3]) end
    extended[list] = true
    answers[index] = existed and 1 or displaced and 2 or 0
  end
end
return answers
