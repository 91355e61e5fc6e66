-- Gives a hook a new token; those before it end after a grace, and what has ended is forgotten.
-- KEYS: the hook, the index. ARGV: credential, provider, made at, now ms, grace ms, where tokens
-- lead from, the token's hash. The clock is that of those who check tokens.
local key, tokens = KEYS[1], ARGV[6]
local now, grace = tonumber(ARGV[4]), tonumber(ARGV[5])
local held = redis.call('HGETALL', key)
for at = 1, #held, 2 do
  local digest = string.match(held[at], '^token:(.+)$')
  local ends = tonumber(held[at + 1])
  if digest and ends == 0 then ends = now + grace end
  if digest and ends > now then
    redis.call('HSET', key, held[at], math.min(ends, now + grace))
  elseif digest then
    redis.call('HDEL', key, held[at])
    redis.call('DEL', tokens .. digest)
  end
end
redis.call('HSET', key, 'provider', ARGV[2], 'created_at', ARGV[3], 'token:' .. ARGV[7], 0)
redis.call('SET', tokens .. ARGV[7], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[1])
return 1
