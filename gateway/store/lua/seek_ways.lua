-- How the addresses of a domain are made, unless a step has its answer already or on its way: that
-- one comes first, as it costs nothing.
-- ARGV: oldest answer that is taken in ms, number of slots, slots, names of the domain.
local root, now = KEYS[1], now_ms()
local slots = tonumber(ARGV[2])
for at = 3, 2 + slots do
  local c = redis.call('HMGET', root .. 'cache:' .. ARGV[at], 'at', 'life')
  if c[1] and now - c[1] < math.min(tonumber(c[2]), tonumber(ARGV[1])) then return {} end
  local rid = redis.call('GET', root .. 'flight:' .. ARGV[at])
  local state = rid and redis.call('HGET', root .. 'entry:' .. rid, 'state')
  if state == 'reserved' or state == 'dispatched' then return {} end
end
local found = {}
for at = 3 + slots, #ARGV do
  local flat = redis.call('HGETALL', root .. 'ways:' .. ARGV[at])
  if #flat > 0 then found[#found + 1] = { ARGV[at], flat } end
end
return found
