-- What a look-up needs, read at one moment: the accounts' values, the leases, the time.
-- KEYS: the hash of leases, then an account's key for each. Answers {values, {gateway, lease, ...}, {seconds, microseconds}}.
return { redis.call('MGET', unpack(KEYS, 2)), redis.call('HGETALL', KEYS[1]), redis.call('TIME') }
