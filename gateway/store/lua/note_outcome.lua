-- uses: learn
-- Notes what became of an address, and learns from it. 0 if somebody else did so meanwhile.
-- ARGV: the address's key, what was noted before ('' for nothing), what is now, the lessons.
local key = KEYS[1] .. 'given:' .. ARGV[1]
if redis.call('EXISTS', key) == 0 or (redis.call('HGET', key, 'told') or '') ~= ARGV[2] then
  return 0
end
redis.call('HSET', key, 'told', ARGV[3])
for _, lesson in ipairs(cmsgpack.unpack(ARGV[4])) do learn(KEYS[1], lesson) end
return 1
