-- uses: queue
-- Lays an item aside until it is due. 0 for a token that is not the newest.
-- ARGV: job, index, token, ms from now, its progress.
local root, job, index = KEYS[1], ARGV[1], ARGV[2]
if not owns(root, job .. ' ' .. index, ARGV[3]) then return 0 end
give_back(root, job, index)
redis.call('HSET', root .. 'job:' .. job .. ':progress', index, ARGV[5])
redis.call('SADD', root .. 'job:' .. job .. ':parked', index)
redis.call('ZADD', root .. 'due', now_ms() + tonumber(ARGV[4]), job .. ' ' .. index)
return 1
