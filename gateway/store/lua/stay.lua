-- uses:
-- Requests that are under way for long keep their places among those at once.
-- KEYS: root, account. ARGV: who.
local ends = now_ms() + 90000
for _, who in ipairs(ARGV) do redis.call('ZADD', KEYS[2] .. ':flying', 'XX', ends, who) end
return 1
