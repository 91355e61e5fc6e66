-- uses: queue
-- A provider has told of a task: the item that was laid aside for it is due at once. Whoever takes it
-- asks the provider; nothing else changes. ARGV: the task's mark. 1 if there was such an item.
local root = KEYS[1]
local member = redis.call('GETDEL', root .. 'laid:' .. ARGV[1])
if not member then return 0 end
local lane = lane_of(root, string.match(member, '^%S+'))
if not redis.call('ZSCORE', root .. 'due:' .. lane, member) then return 0 end
redis.call('ZADD', root .. 'due:' .. lane, 'LT', now_ms(), member)
redis.call('PUBLISH', root .. 'work', lane)
return 1
