-- uses: queue
-- Makes a job of a lookup that runs here; or shows the one that stands behind its idempotency key.
-- ARGV: id, team, the key's token ('' without one), lease ms, kept for ms, the query, then field,
-- value, ... Returns the token, '' if somebody else has taken it over.
local root, id, team, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local now, lease, keep = now_ms(), tonumber(ARGV[4]), tonumber(ARGV[5])
local key = root .. 'job:' .. id
if redis.call('EXISTS', key) == 1 and not owns(root, id .. ' 0', token) then return '' end
redis.call('HSET', key, 'team', team, 'lane', 'interactive', unpack(ARGV, 7))
redis.call('HSETNX', key, 'created', now)
redis.call('HSETNX', key, 'started', now)
redis.call('HDEL', key, 'hidden')
redis.call('HSET', key .. ':in', 0, ARGV[6])
list(root, id, team, now, keep)
if token == '' then return lend(root, id, 0, now + lease) end
redis.call('ZADD', root .. 'leases', 'XX', now + lease, id .. ' 0')
return token
