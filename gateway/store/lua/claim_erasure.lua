-- uses:
-- Lends an erasure unless somebody works on one: they go one after the other. ARGV: lease ms. Returns
-- id, token, the person (sealed); nothing if there is none.
local root, now = KEYS[1], now_ms()
if redis.call('ZCOUNT', root .. 'erasing', '(' .. now, '+inf') > 0 then return {} end
local id = redis.call('ZRANGEBYSCORE', root .. 'erasing', '-inf', now, 'LIMIT', 0, 1)[1]
if not id then return {} end
local key = root .. 'erasure:' .. id
redis.call('ZADD', root .. 'erasing', now + tonumber(ARGV[1]), id)
redis.call('HSET', key, 'status', 'running')
redis.call('HSETNX', key, 'started', now)
return { id, redis.call('HINCRBY', key, 'token', 1), redis.call('HGET', key, 'sealed') or '' }
