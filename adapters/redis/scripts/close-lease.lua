-- Ends a lease if it is the present one; its epoch stays, so that the next one is higher.
-- KEYS: the hash of leases. ARGV: gateway id, epoch.
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return 0 end
if string.match(held, '^(%d+)|') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|0')
return 1
