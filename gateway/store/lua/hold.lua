-- uses: admission
-- Keeps a provider's ticket (and its lease) on the entry before its next poll. 0 if it is closed.
local root, rid, ticket, lease = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()
local key = root .. 'entry:' .. rid
if redis.call('HGET', key, 'state') ~= 'dispatched' then return 0 end
redis.call('HSET', key, 'ticket', ticket, 'until', now + lease)
redis.call('ZADD', root .. 'open', now + lease, rid)
return 1
