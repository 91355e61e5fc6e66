-- uses: queue
-- Makes a job of a lookup that runs here; or shows the one that stands behind its idempotency key.
-- ARGV: id, team, the key's token ('' without one), lease ms, kept for ms, the query, then field,
-- value, ... Returns the token, '' if somebody else has taken it over.
local root, id, team, token = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local now, ends, keep = now_ms(), now_ms() + tonumber(ARGV[4]), tonumber(ARGV[5])
local key, member = root .. 'job:' .. id, id .. ' 0'
if redis.call('EXISTS', key) == 1 then
  if not owns(root, member, token) then return '' end
  -- It is as its key made it, or as whoever was told of it has left it.
  redis.call('HDEL', key, 'hidden')
  redis.call('ZADD', root .. 'leases:interactive', 'XX', ends, member)
else
  redis.call('HSET', key, 'team', team, 'lane', 'interactive', 'created', now, 'started', now,
    unpack(ARGV, 7))
  redis.call('HSET', key .. ':in', 0, ARGV[6])
  token = lend(root, 'interactive', id, 0, ends)
end
list(root, id, team, now, keep)
return token
