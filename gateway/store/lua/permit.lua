-- uses: moves
-- Lets a request of an account go, if every limit allows it now and nobody with a better right waits;
-- a paid one is recorded as dispatched in the same step. Whoever waits keeps what is reserved for it.
-- Grants are remembered by their time, so that no window of any limit, wherever it begins, holds more
-- than it may.
-- ARGV: who asks, rank (0 goes before 1), ms it can wait, rid ('' for a free one), lease
-- of the rid in ms, most at once (0 any), sequence and era that it has seen of the ledger, whether
-- this is the request that the rid pays for, then bucket, number, ms, ... of each limit.
-- Returns { 1, sequence, now } if it may go, { 0, ms } to ask again, { -1, ms } if it can't be in time,
-- { -2 } if the reservation is gone, { -3 } if the store is older than who asks.
local root, who, rank = KEYS[1], ARGV[1], tonumber(ARGV[2])
local patience, rid, lease = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local at_once, buys = tonumber(ARGV[6]), ARGV[9] == '1'
local now = now_ms()
-- A waiter looks again after a nap, or has gone; a grant travels, and may arrive later than the next.
local NAP, STALE, MARGIN = 1000, 3000, 50

local account = KEYS[2]
local queue, seen = account .. ':queue', account .. ':seen'

local function forget(member)
  redis.call('ZREM', queue, member)
  redis.call('ZREM', seen, member)
end

for _, member in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now - STALE)) do forget(member) end

local state = nil
if rid ~= '' then
  local outdated = is_outdated(root, tonumber(ARGV[7]), tonumber(ARGV[8]))
  state = not outdated and renew(root, rid, now + lease)
  if not state then
    forget(who)
    return { outdated and -3 or -2, 0 }
  end
end

-- How many go before, by rank and then by how soon they have to be done. As text, since Lua writes
-- numbers with 14 digits.
local score = redis.call('ZSCORE', queue, who) or string.format('%.0f', rank * 1e14 + now + patience)
local ahead = redis.call('ZCOUNT', queue, '-inf', '(' .. score)

-- Of a store whose clock was ahead and is set back: what was let go later than now counts as of now.
local function set_back(grants)
  for i, granted in ipairs(redis.call('LRANGE', grants, 0, -1)) do
    if tonumber(granted) > now then redis.call('LSET', grants, i - 1, now) end
  end
  return now
end

-- When the request after `ahead` others may go by one limit.
local function earliest(bucket, number, span)
  local grants = account .. ':grants:' .. bucket
  local rounds, rest = math.floor(ahead / number), ahead % number
  local before = tonumber(redis.call('LINDEX', grants, rest - number) or 0)
  if before > now then before = set_back(grants) end
  local at = before > 0 and before + span + MARGIN or 0
  return math.max(at, now) + rounds * (span + MARGIN)
end

local at, longest = now, {}
local paused = tonumber(redis.call('GET', account .. ':paused') or 0)
at = math.max(at, paused)
for i = 10, #ARGV, 3 do
  local bucket, number, span = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  at = math.max(at, earliest(bucket, number, span),
    tonumber(redis.call('GET', account .. ':paused:' .. bucket) or 0))
  longest[bucket] = math.max(longest[bucket] or 0, number)
end
if at_once > 0 then
  redis.call('ZREMRANGEBYSCORE', account .. ':flying', '-inf', now)
  if redis.call('ZCARD', account .. ':flying') + ahead >= at_once then at = math.max(at, now + 50) end
end

if at - now > patience then
  forget(who)
  return { -1, at - now }
end
if at > now then
  redis.call('ZADD', queue, score, who)
  redis.call('ZADD', seen, math.min(at, now + NAP), who)
  redis.call('PEXPIRE', queue, 60000)
  redis.call('PEXPIRE', seen, 60000)
  return { 0, at - now }
end

local seq = 0
if buys and state == 'reserved' then
  redis.call('HSET', root .. 'entry:' .. rid, 'state', 'dispatched', 'dispatched_at', now)
  seq = stamp(root)
end
forget(who)
for bucket, number in pairs(longest) do
  local grants = account .. ':grants:' .. bucket
  redis.call('RPUSH', grants, now)
  redis.call('LTRIM', grants, -number, -1)
  redis.call('PEXPIRE', grants, 90000000)
end
if at_once > 0 then redis.call('ZADD', account .. ':flying', now + 90000, who) end
return { 1, seq, now }
