-- Takes a refused account out of use, each time in a row for twice as long. 0 if it is out already.
-- KEYS: the bench, the version that every process watches. ARGV: credential, reason, first ms,
-- longest ms.
local id, reason = ARGV[1], ARGV[2]
local first, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
local now, strikes = now_ms(), 0
local held = redis.call('HGET', KEYS[1], id)
if held then
  local ends, count = string.match(held, '^%S+ (%d+) (%d+)$')
  if tonumber(ends) > now then return 0 end
  strikes = tonumber(count)
end
local ends = now + math.min(longest, first * 2 ^ strikes)
redis.call('HSET', KEYS[1], id, string.format('%s %.0f %.0f', reason, ends, strikes + 1))
redis.call('INCR', KEYS[2])
return 1
