-- uses: moves
-- Accepts a ledger that came back older than its callers. Its sequence goes on above all that they
-- have seen, in a new era that they will see. ARGV: sequence and era that somebody has seen; the era
-- it came back in, and the sequence beyond which it may have forgotten. 0 if somebody was quicker.
local root = KEYS[1]
local seq, era = standing_of(root)
if era ~= tonumber(ARGV[3]) then return 0 end
local next_era = math.max(now_ms(), era + 1, tonumber(ARGV[2]) + 1)
redis.call('HSET', root .. 'lapse', 'era', string.format('%.0f', next_era), 'from_era', ARGV[3],
  'from_seq', ARGV[4])
redis.call('SET', root .. 'seq', string.format('%.0f', math.max(seq, tonumber(ARGV[1])) + 1))
redis.call('SET', root .. 'era', string.format('%.0f', next_era))
redis.call('DEL', root .. 'missed')
return 1
