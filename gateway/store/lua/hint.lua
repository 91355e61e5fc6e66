-- uses: queue
-- A provider has told of a task: the item that was laid aside for it is due at once. Whoever takes it
-- asks the provider; nothing else changes. ARGV: the task's mark, ms in which it is told of once.
-- 1 if there was such an item.
local root, mark = KEYS[1], ARGV[1]
local member = redis.call('GET', root .. 'laid:' .. mark)
if not member then return 0 end
local lane = lane_of(root, string.match(member, '^%S+'))
if not redis.call('ZSCORE', root .. 'due:' .. lane, member) then return 0 end
if not redis.call('SET', root .. 'told:' .. mark, 1, 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('DEL', root .. 'laid:' .. mark)
redis.call('ZADD', root .. 'due:' .. lane, 'LT', now_ms(), member)
redis.call('PUBLISH', root .. 'work', lane)
return 1
