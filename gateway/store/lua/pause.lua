-- uses:
-- A provider wants its account to be left alone; how long it has wanted that before holds all the same.
-- KEYS: the pause. ARGV: ms from now.
local ends = now_ms() + tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1]) or 0) >= ends then return 0 end
-- As text, since Lua writes numbers with 14 digits.
redis.call('SET', KEYS[1], string.format('%.0f', ends), 'PX', math.max(1, tonumber(ARGV[1])))
return 1
