-- uses: queue
-- Lays an item aside until it is due. 0 for a token that is not the newest.
-- ARGV: job, index, token, ms from now, its progress ('' leaves what there is), 1 if it then waits for
-- its team's turn like a new one, then marks of the tasks that it waits for.
local root, job, index = KEYS[1], ARGV[1], ARGV[2]
local key = root .. 'job:' .. job
if not owns(root, job .. ' ' .. index, ARGV[3]) then return 0 end
local due = now_ms() + tonumber(ARGV[4])
lay_aside(root, job, index, due)
if ARGV[6] == '1' then redis.call('ZADD', key .. ':again', due, index) end
if ARGV[5] ~= '' then
  redis.call('HSET', key .. ':progress', index, ARGV[5])
  -- It was run, and did its holder no harm.
  redis.call('HDEL', key .. ':deaths', index)
end
for at = 7, #ARGV do
  redis.call('SET', root .. 'laid:' .. ARGV[at], job .. ' ' .. index, 'PX', ARGV[4])
end
return 1
