-- Whether an answer is kept at one of the slots. ARGV: oldest answer that is taken in ms, slots.
local root, now = KEYS[1], now_ms()
for at = 2, #ARGV do
  local c = redis.call('HMGET', root .. 'cache:' .. ARGV[at], 'at', 'life')
  if c[1] and now - c[1] < math.min(tonumber(c[2]), tonumber(ARGV[1])) then return 1 end
end
return 0
