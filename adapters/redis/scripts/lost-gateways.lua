-- Leases that lapsed and were not ended: {gateway id|epoch, time of the last renewal, ...}.
-- KEYS: the hash of leases, the hash of lost leases. ARGV: life of a lease, how long lost ones are remembered, both in ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lost = {}
local known = redis.call('HGETALL', KEYS[2])
for index = 1, #known, 2 do
  if tonumber(known[index + 1]) + ARGV[2] < now then
    redis.call('HDEL', KEYS[2], known[index])
  else
    table.insert(lost, known[index])
    table.insert(lost, known[index + 1])
  end
end
local leases = redis.call('HGETALL', KEYS[1])
for index = 1, #leases, 2 do
  local epoch, ends = string.match(leases[index + 1], '^(%d+)|(%d+)$')
  ends = tonumber(ends)
  if ends > 0 and ends <= now then
    table.insert(lost, leases[index] .. '|' .. epoch)
    table.insert(lost, string.format('%.0f', ends - ARGV[1]))
  end
end
return lost
