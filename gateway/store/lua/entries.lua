-- uses:
-- Entries of the ledger, newest first, whose sequence is below ARGV[1], at most ARGV[2] of them.
-- Returns sequence, id, and the values of the fields named from ARGV[3] on, for each.
local root = KEYS[1]
local below = ARGV[1] == '' and '+inf' or '(' .. ARGV[1]
local found = {}
local index = redis.call('ZREVRANGEBYSCORE', root .. 'ledger', below, '-inf', 'WITHSCORES',
  'LIMIT', 0, tonumber(ARGV[2]))
for at = 1, #index, 2 do
  found[#found + 1] = index[at + 1]
  found[#found + 1] = index[at]
  found[#found + 1] = redis.call('HMGET', root .. 'entry:' .. index[at], unpack(ARGV, 3))
end
return found
