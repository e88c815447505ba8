-- Ends a lease if it is the present one; its epoch stays, so that the next one is higher. What is known of its devices goes.
-- KEYS: the hash of leases, the hash of lost leases, the list of its devices. ARGV: gateway id, epoch.
redis.call('HDEL', KEYS[2], ARGV[1] .. '|' .. ARGV[2])
redis.call('DEL', KEYS[3])
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return 0 end
if string.match(held, '^(%d+)|') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|0')
return 1
