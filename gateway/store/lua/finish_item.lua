-- uses: queue
-- Writes an item's end, and the job's if it was the last. 0 for a token that is not the newest.
-- ARGV: job, index, token, outcome, cost in micro-units, kept for ms, the result, event ('' for none).
local root, job, index, token, outcome = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local keep = tonumber(ARGV[6])
if not owns(root, job .. ' ' .. index, token) then return 0 end
local key = root .. 'job:' .. job
give_back(root, job, index)
redis.call('HSET', key .. ':out', index, ARGV[7])
redis.call('HDEL', key .. ':progress', index)
redis.call('HDEL', key .. ':deaths', index)
redis.call('HINCRBY', key, outcome, 1)
if outcome ~= 'cancelled' then redis.call('HINCRBY', key, 'done', 1) end
redis.call('HINCRBY', key, 'cost', ARGV[5])
if ARGV[8] ~= '' then
  local j = redis.call('HMGET', key, 'team', 'url')
  redis.call('XADD', root .. 'outbox', 'MAXLEN', '~', 100000, '*', 'event', 'job.item.completed',
    'team', j[1], 'url', j[2] or '', 'data', ARGV[8])
end
conclude(root, job, now_ms(), keep)
return 1
