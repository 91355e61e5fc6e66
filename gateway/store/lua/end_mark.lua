-- uses: suppression queue
-- Keeps the reply of a request under its idempotency key, or frees the key; 0 if the request is a
-- job by now, which has to be ended as one. Repeating it changes nothing.
-- ARGV: mark, job's id, kept for ms, then field, value, ... of the reply; none frees the key.
local root = KEYS[1]
local mark, id = root .. 'mark:' .. ARGV[1], ARGV[2]
local key = root .. 'job:' .. id
local j = redis.call('HMGET', key, 'team', 'hidden')
if j[1] and not j[2] then return 0 end
give_back(root, id, 0)
for _, part in ipairs(PARTS) do redis.call('DEL', key .. part) end
if not j[1] and #ARGV == 3 then
  -- A claim that was given up, and that a slow store may still have before it.
  redis.call('HSET', key, 'void', 1)
  redis.call('PEXPIRE', key, 3600000)
end
if redis.call('HGET', mark, 'job') ~= id then return 1 end
if #ARGV == 3 then
  redis.call('DEL', mark)
  return 1
end
redis.call('HDEL', mark, 'job')
redis.call('HSET', mark, unpack(ARGV, 4))
redis.call('PEXPIRE', mark, ARGV[3])
local m = redis.call('HMGET', mark, 'persons', 'rows')
if objected(root, words(m[1])) then
  redis.call('HSET', mark, 'headers', '', 'body', '')
elseif objected(root, words(m[2])) then
  redis.call('DEL', mark)
end
return 1
