-- Keeps how many devices a second a gateway lets in.
-- KEYS: the hash of offers. ARGV: gateway id, devices a second, life in ms.
-- A field holds "devices a second|until".
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. string.format('%.0f', now + ARGV[3]))
