-- uses: deliveries
-- Lends what is due, to receivers that have room for it, until its lease runs out.
-- ARGV: most, most at once to one, lease ms, kept for ms. Returns the ms until there is more to do
-- (-1: nothing is waited for), then id, token, ...
local root, most, each = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local lease, keep = tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
local found = { -1 }
local GIVEN_UP = 200

-- Whoever held these is gone; what came of them nobody knows.
local function take_back(target)
  local busy = place(root, 'busy', target)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', busy, '-inf', now)) do
    redis.call('ZREM', busy, id)
    if redis.call('EXISTS', root .. 'delivery:' .. id) == 1 then
      line_up(root, target, id, now, each)
    end
  end
end

-- An endpoint that was disabled is sent nothing more.
local function give_up(target)
  local due = place(root, 'due', target)
  for _, id in ipairs(redis.call('ZRANGE', due, 0, GIVEN_UP - 1)) do
    redis.call('ZREM', due, id)
    if redis.call('EXISTS', root .. 'delivery:' .. id) == 1 then
      close(root, id, 'failed', 'endpoint_disabled', keep)
    end
  end
end

local function lend(target, id)
  local key = root .. 'delivery:' .. id
  redis.call('ZREM', place(root, 'due', target), id)
  if redis.call('EXISTS', key) == 0 then return end
  redis.call('ZADD', place(root, 'busy', target), now + lease, id)
  redis.call('HSET', key, 'state', 'sending', 'tried', now)
  redis.call('HDEL', key, 'due')
  found[#found + 1] = id
  found[#found + 1] = redis.call('HINCRBY', key, 'attempts', 1)
end

local ready = root .. 'deliveries:ready'
for _, target in ipairs(redis.call('ZRANGEBYSCORE', ready, '-inf', now, 'LIMIT', 0, most)) do
  take_back(target)
  local left = math.min(room(root, target, each), most - (#found - 1) / 2)
  local held = tonumber(redis.call('HGET', place(root, 'pace', target), 'held') or 0)
  if not is_open(root, target) then
    give_up(target)
  elseif left > 0 and held <= now then
    local due = place(root, 'due', target)
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, left)) do
      lend(target, id)
    end
  end
  reckon(root, target, each)
end
local soonest = redis.call('ZRANGE', ready, 0, 0, 'WITHSCORES')[2]
if soonest then found[1] = math.max(0, tonumber(soonest) - now) end
return found
