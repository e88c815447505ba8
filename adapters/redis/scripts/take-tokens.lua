-- Takes tokens from a bucket: answers 0, or after how many ms there are enough. A bucket goes when it is full again.
-- KEYS: the bucket. ARGV: how many it holds, how many come a second, how many are wanted.
-- It holds "tokens|at".
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted = math.min(tonumber(ARGV[3]), burst)
local tokens = burst
local held = redis.call('GET', KEYS[1])
if held then
  local left, at = string.match(held, '^([%d.]+)|([%d.]+)$')
  tokens = math.min(burst, tonumber(left) + math.max(0, now - tonumber(at)) / 1000 * rate)
end
if tokens < wanted then return math.max(1, math.ceil((wanted - tokens) / rate * 1000)) end
tokens = tokens - wanted
redis.call('SET', KEYS[1], string.format('%.6f|%.3f', tokens, now), 'PX', math.max(1, math.ceil((burst - tokens) / rate * 1000)))
return 0
