-- uses: suppression
-- Takes in who is to be erased: suppressed in the same step, so that nothing new is kept meanwhile.
-- ARGV: id, the person (sealed), reason, kind, then marks. Returns the id of the suppression.
local root, id = KEYS[1], ARGV[1]
local now, key = now_ms(), root .. 'erasure:' .. id
local suppression = suppress(root, { kind = ARGV[4], source = 'erasure', reason = ARGV[3],
  marks = { unpack(ARGV, 5) } }, now)
redis.call('HSET', key, 'status', 'queued', 'created', now, 'sealed', ARGV[2], 'reason', ARGV[3],
  'suppression', suppression)
redis.call('ZADD', root .. 'erasures', now, id)
redis.call('ZADD', root .. 'erasing', now, id)
return suppression
