-- uses: queue
-- Cancels what has not begun, and what waits; what is on its way ends as it may.
-- ARGV: id, team, kept for ms. Returns 1, 0 if it had ended, -1 if there is no such job of the team.
local root, id, team = KEYS[1], ARGV[1], ARGV[2]
local key, keep = root .. 'job:' .. id, tonumber(ARGV[3])
local j = redis.call('HMGET', key, 'team', 'finished', 'hidden', 'lane')
if j[1] ~= team or j[3] then return -1 end
if j[2] then return 0 end
for _, index in ipairs(redis.call('SMEMBERS', key .. ':parked')) do
  redis.call('ZREM', root .. 'due:' .. j[4], id .. ' ' .. index)
  -- What its steps have cost so far was bought for this job.
  local progress = redis.call('HGET', key .. ':progress', index)
  if progress then
    local tally = cmsgpack.unpack(progress).tally
    redis.call('HINCRBY', key, 'cost', tally.posted)
    for _, rid in ipairs(tally.booked) do count_in(root, rid) end
    redis.call('HDEL', key .. ':progress', index)
  end
end
if redis.call('HEXISTS', key, 'lookup') == 1 then leave(root, id, 0, keep) end
redis.call('DEL', key .. ':parked', key .. ':again')
redis.call('ZREM', root .. 'ready:' .. j[4] .. ':' .. team, id)
local c = redis.call('HMGET', key, 'total', 'done', 'flying')
redis.call('HSET', key, 'status', 'cancelled', 'next', c[1],
  'cancelled', tonumber(c[1]) - tonumber(c[2]) - tonumber(c[3] or 0))
redis.call('PUBLISH', root .. 'cancelled', id)
conclude(root, id, now_ms(), keep)
return 1
