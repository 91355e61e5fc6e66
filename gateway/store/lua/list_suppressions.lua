-- uses:
-- Objections, newest first, at most ARGV[2] of them whose place in the list is below ARGV[1]. Returns
-- how many there are in all, then place, id, and the values of the fields named from ARGV[3] on.
local root = KEYS[1]
local below = ARGV[1] == '' and '+inf' or '(' .. ARGV[1]
local found = { redis.call('ZCARD', root .. 'suppressions') }
local index = redis.call('ZREVRANGEBYSCORE', root .. 'suppressions', below, '-inf', 'WITHSCORES',
  'LIMIT', 0, tonumber(ARGV[2]))
for at = 1, #index, 2 do
  found[#found + 1] = index[at + 1]
  found[#found + 1] = index[at]
  found[#found + 1] = redis.call('HMGET', root .. 'suppression:' .. index[at], unpack(ARGV, 3))
end
return found
