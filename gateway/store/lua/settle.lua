-- uses: admission
-- Closes an entry, keeps its answer, writes the job's state, and admits the next step.
-- ARGV: the settlement, the answer's bytes, the job's progress.
local a = cmsgpack.unpack(ARGV[1])
local now = now_ms()
local changed = close(a.root, a.rid, a.state, a.units, a.cost, a.outcome, a.reason, now)
redis.call('ZREM', a.root .. 'open', a.rid)
if changed and a.state ~= 'in_doubt' then
  redis.call('PEXPIRE', a.root .. 'entry:' .. a.rid, a.keep)
end
if changed and #a.suppress > 0 then
  redis.call('SADD', a.root .. 'suppressed', unpack(a.suppress))
end
local stopped = a.cache and objected(a.root, a.cache.marks)
if changed and a.cache and not stopped then
  local key, index = a.root .. 'cache:' .. a.cache.slot, a.root .. 'cached'
  redis.call('HSET', key, 'at', now, 'life', a.cache.life, 'body', ARGV[2],
    'marks', table.concat(a.cache.marks, ' '))
  redis.call('PEXPIRE', key, a.cache.life)
  redis.call('ZADD', index, now, a.cache.slot)
  local surplus = redis.call('ZCARD', index) - a.cache.cap
  if surplus > 0 then
    for _, slot in ipairs(redis.call('ZRANGE', index, 0, surplus - 1)) do
      redis.call('DEL', a.root .. 'cache:' .. slot)
    end
    redis.call('ZREMRANGEBYRANK', index, 0, surplus - 1)
  end
end
if a.job and redis.call('EXISTS', a.root .. 'job:' .. a.job) == 1 then
  redis.call('HSET', a.root .. 'job:' .. a.job, 'progress', ARGV[3])
end
if stopped then return reply({ kind = 'suppressed', skipped = {}, since = 0 }) end
if not a.next then return reply({ kind = 'done', skipped = {}, since = 0 }) end
return reply(admit(a.next))
