-- uses: suppression queue
-- Writes an item's end, and the job's if it was the last. 0 for a token that is not the newest.
-- ARGV: job, index, token, outcome, cost in micro-units, kept for ms, the result, event ('' for none),
-- the result that takes its place if one of the marks has objected, the marks, 1 if it is of an
-- objection already, the event of the result that takes its place, 1 if its lookup was given up, then
-- the entries that the cost counts.
local root, job, index, token, outcome = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local keep, result, event, hidden = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[11] == '1'
if objected(root, words(ARGV[10])) then
  outcome, result, event, hidden = 'failed', ARGV[9], ARGV[12], true
end
if not owns(root, job .. ' ' .. index, token) then return 0 end
local key = root .. 'job:' .. job
give_back(root, job, index)
redis.call('HSET', key .. ':out', index, result)
-- The question names whoever objected as well as an answer would.
if hidden then redis.call('HDEL', key .. ':in', index) end
redis.call('HDEL', key .. ':progress', index)
redis.call('HDEL', key .. ':deaths', index)
redis.call('HINCRBY', key, outcome, 1)
if outcome ~= 'cancelled' then redis.call('HINCRBY', key, 'done', 1) end
redis.call('HINCRBY', key, 'cost', ARGV[5])
if ARGV[13] == '1' then leave(root, job, index, keep) end
for at = 14, #ARGV do count_in(root, ARGV[at]) end
if event ~= '' then
  local j = redis.call('HMGET', key, 'team', 'item_url')
  redis.call('XADD', root .. 'outbox', 'MAXLEN', '~', 100000, '*', 'event', 'job.item.completed',
    'team', j[1], 'url', j[2] or '', 'data', event)
end
conclude(root, job, now_ms(), keep)
return 1
