-- uses: deliveries
-- Writes what came of an attempt; 0 if another process has taken the delivery over since.
-- ARGV: id, token, state, wait ms, error, status, most at once, swift (1/0), hold ms, kept for ms,
-- gone (1/0).
local root, id, state, word = KEYS[1], ARGV[1], ARGV[3], ARGV[5]
local each, keep = tonumber(ARGV[7]), tonumber(ARGV[10])
local now = now_ms()
local key = root .. 'delivery:' .. id
local d = redis.call('HMGET', key, 'attempts', 'target', 'owner', 'state')
local target, owner = d[2], d[3]
if d[1] ~= ARGV[2] or (d[4] ~= 'sending' and d[4] ~= 'pending') then return 0 end
redis.call('ZREM', place(root, 'busy', target), id)
redis.call('ZREM', place(root, 'due', target), id)
redis.call('HSET', key, 'error', word, 'status', ARGV[6])
if ARGV[11] == '1' and redis.call('EXISTS', root .. 'endpoint:' .. owner) == 1 then
  redis.call('HSET', root .. 'endpoint:' .. owner, 'enabled', '0', 'reason', word)
end
-- Those who answer at once are sent more at once; those who do not, one after the other.
local pace = place(root, 'pace', target)
local slots = tonumber(redis.call('HGET', pace, 'slots') or 1)
redis.call('HSET', pace, 'slots', ARGV[8] == '1' and math.min(slots + 1, each) or 1)
if ARGV[9] ~= '0' then redis.call('HSET', pace, 'held', now + ARGV[9]) end
redis.call('PEXPIRE', pace, FORGOTTEN)
if state == 'pending' then
  redis.call('HINCRBY', key, 'failures', 1)
  line_up(root, target, id, now + ARGV[4], each)
else
  if state == 'delivered' then redis.call('HSET', key, 'delivered', now) end
  close(root, id, state, word, keep)
  reckon(root, target, each)
end
return 1
