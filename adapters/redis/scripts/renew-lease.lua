-- Extends a lease that is still held: 1, else 0.
-- KEYS: the hash of leases. ARGV: gateway id, life in ms, epoch.
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch, ends = string.match(held, '^(%d+)|(%d+)$')
if epoch ~= ARGV[3] or tonumber(ends) <= now then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%s|%.0f', epoch, now + ARGV[2]))
return 1
