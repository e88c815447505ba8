-- Takes the next turns of the line: answers {ms until the first one, ms between two}, as text.
-- KEYS: the hash of offers, the line, which holds when its next turn is, and goes then. ARGV: how many, least devices a second.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sum = 0
local offers = redis.call('HGETALL', KEYS[1])
for index = 1, #offers, 2 do
  local rate, ends = string.match(offers[index + 1], '^([%d.]+)|(%d+)$')
  if tonumber(ends) > now then
    sum = sum + tonumber(rate)
  else
    redis.call('HDEL', KEYS[1], offers[index])
  end
end
local every = 1000 / math.max(tonumber(ARGV[2]), sum)
local first = math.max(now + every, tonumber(redis.call('GET', KEYS[2]) or 0))
local next = first + ARGV[1] * every
redis.call('SET', KEYS[2], string.format('%.3f', next), 'PX', math.max(1, math.ceil(next - now)))
return { string.format('%.3f', first - now), string.format('%.3f', every) }
