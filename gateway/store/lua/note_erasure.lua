-- uses: suppression
-- Writes how far an erasure is, prolongs its lease, and suppresses what else the person is called. 0 if
-- it is in other hands by now. ARGV: id, token, lease ms (0 ends it), kept for ms, number of counts,
-- counts (name, how many), number of fields, fields (name, value), marks.
local root, id, lease = KEYS[1], ARGV[1], tonumber(ARGV[3])
local key, now, at = root .. 'erasure:' .. id, now_ms(), 6
local e = redis.call('HMGET', key, 'token', 'suppression')
if e[1] ~= ARGV[2] or not redis.call('ZSCORE', root .. 'erasing', id) then return 0 end
for _ = 1, tonumber(ARGV[5]) do
  redis.call('HINCRBY', key, 'removed:' .. ARGV[at], ARGV[at + 1])
  at = at + 2
end
local fields = tonumber(ARGV[at])
for field = 1, fields do
  redis.call('HSET', key, ARGV[at + 2 * field - 1], ARGV[at + 2 * field])
end
for mark = at + 2 * fields + 1, #ARGV do
  if redis.call('EXISTS', root .. 'suppression:' .. e[2]) == 1 then
    hold_mark(root, e[2], ARGV[mark])
  end
end
if lease > 0 then
  redis.call('ZADD', root .. 'erasing', now + lease, id)
  return 1
end
redis.call('ZREM', root .. 'erasing', id)
redis.call('HDEL', key, 'sealed')
redis.call('HSET', key, 'finished', now)
redis.call('PEXPIRE', key, ARGV[4])
redis.call('ZREMRANGEBYSCORE', root .. 'erasures', '-inf', now - tonumber(ARGV[4]))
return 1
