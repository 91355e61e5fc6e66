-- uses: moves
-- Takes over one running job whose owner has stopped renewing it; nil if there is none.
local root, lease = KEYS[1], tonumber(ARGV[1])
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', root .. 'jobs:running', '-inf', now, 'LIMIT', 0, 1)
if #due == 0 then return false end
if redis.call('EXISTS', root .. 'job:' .. due[1]) == 0 then
  redis.call('ZREM', root .. 'jobs:running', due[1])
  return false
end
redis.call('ZADD', root .. 'jobs:running', now + lease, due[1])
redis.call('HINCRBY', root .. 'job:' .. due[1], 'takeovers', 1)
if redis.call('HDEL', root .. 'job:' .. due[1], 'hidden') == 1 then
  local team = redis.call('HGET', root .. 'job:' .. due[1], 'team')
  redis.call('ZADD', root .. 'jobs:of:' .. team, 'NX', now, due[1])
end
return due[1]
