-- uses: moves
-- Accepts a ledger that came back older than its callers. Its sequence goes on above all that they
-- have seen, in a new era that they will see. ARGV: sequence and era of whoever accepts.
local root = KEYS[1]
local seq, era = standing_of(root)
local next_era = math.max(now_ms(), era + 1, tonumber(ARGV[2]) + 1)
redis.call('HSET', root .. 'lapse', 'era', string.format('%.0f', next_era), 'from_era', era,
  'from_seq', seq)
redis.call('SET', root .. 'seq', string.format('%.0f', math.max(seq, tonumber(ARGV[1])) + 1))
redis.call('SET', root .. 'era', string.format('%.0f', next_era))
return 1
