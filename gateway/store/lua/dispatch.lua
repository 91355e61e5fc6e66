-- uses: moves
-- The last thing before bytes leave: reserved -> dispatched. Returns the ledger's sequence, 0 if the
-- reservation is gone, 'outdated' for a store older than ARGV[3] and ARGV[4], sequence and era.
local root, rid, lease = KEYS[1], ARGV[1], tonumber(ARGV[2])
if is_outdated(root, tonumber(ARGV[3]), tonumber(ARGV[4])) then return 'outdated' end
local now = now_ms()
local key = root .. 'entry:' .. rid
local state = redis.call('HGET', key, 'state')
if state == 'dispatched' then return (standing_of(root)) end
if state ~= 'reserved' then return 0 end
redis.call('HSET', key, 'state', 'dispatched', 'dispatched_at', now, 'until', now + lease)
redis.call('ZADD', root .. 'open', now + lease, rid)
return stamp(root)
