-- uses: moves
-- Writes a job's record and keeps it among the running ones until it has finished.
-- ARGV: id, team, running (1/0), lease ms, days kept in ms, then field, value, ...
local root = KEYS[1]
local id, team, running = ARGV[1], ARGV[2], ARGV[3]
local lease, keep = tonumber(ARGV[4]), tonumber(ARGV[5])
local now = now_ms()
local key = root .. 'job:' .. id
if redis.call('HGET', key, 'finished_at') then return 0 end
redis.call('HSET', key, unpack(ARGV, 6))
redis.call('HDEL', key, 'hidden')
redis.call('ZADD', root .. 'jobs:of:' .. team, 'NX', now, id)
redis.call('ZREMRANGEBYSCORE', root .. 'jobs:of:' .. team, '-inf', now - 2 * keep)
if running == '1' then
  redis.call('ZADD', root .. 'jobs:running', now + lease, id)
else
  redis.call('ZREM', root .. 'jobs:running', id)
  -- An idempotency key that answers with this job must not outlive it.
  local mark = redis.call('HGET', key, 'mark')
  redis.call('PEXPIRE', key, math.max(keep, mark and redis.call('PTTL', mark) or 0))
end
return 1
