-- uses: queue
-- Opens a job whose items lie ready; rows that can't be asked have their results already.
-- ARGV: id, team, lane, kept for ms, then field, value, ... Returns 0 if it was opened before.
local root, id, team, lane, keep = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = now_ms()
local key = root .. 'job:' .. id
if redis.call('EXISTS', key) == 1 then return 0 end
redis.call('HSET', key, 'team', team, 'lane', lane, 'created', now, unpack(ARGV, 5))
for _, part in ipairs(PARTS) do redis.call('PERSIST', key .. part) end
list(root, id, team, now, keep)
local j = redis.call('HMGET', key, 'total', 'done')
if tonumber(j[2]) < tonumber(j[1]) then line_up(root, lane, team, id, now) end
conclude(root, id, now, keep)
return 1
