-- Opens a new lease of a gateway and answers its epoch.
-- One that was not ended before is lost.
-- KEYS: the hash of leases, the hash of lost leases. ARGV: gateway id, life in ms, how long ended leases are remembered in ms.
-- A field holds "epoch|until", both in decimal: epochs rise for ever, also over a Redis that comes back empty, because they begin at the time.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = now
local known = redis.call('HGETALL', KEYS[1])
for index = 1, #known, 2 do
  local held, ends = string.match(known[index + 1], '^(%d+)|(%d+)$')
  if known[index] == ARGV[1] then
    epoch = math.max(epoch, tonumber(held) + 1)
    if tonumber(ends) > 0 then redis.call('HSET', KEYS[2], ARGV[1] .. '|' .. held, string.format('%.0f', ends - ARGV[2])) end
  elseif tonumber(ends) + tonumber(ARGV[3]) < now then
    redis.call('HDEL', KEYS[1], known[index])
  end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f|%.0f', epoch, now + ARGV[2]))
return string.format('%.0f', epoch)
