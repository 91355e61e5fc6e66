-- uses: pace
-- A lookup that runs for long goes on counting among those at once.
-- KEYS: those of each scope. ARGV: the lookup.
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, 'XX', now_ms() + FORGOTTEN, ARGV[1])
  redis.call('PEXPIRE', key, FORGOTTEN)
end
return 1
