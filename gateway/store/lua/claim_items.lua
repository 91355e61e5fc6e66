-- uses: queue
-- Lends items to whoever asks: first those whose owner is gone, then those that are due, then new
-- ones, lane by lane and team by team in turn.
-- ARGV: lease ms, most of all, most of the lane `bulk`, kept for ms.
-- Returns job, index, token, owners that died with it, lane, ...
local root, lease, most, bulk = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local keep = tonumber(ARGV[4])
local now, found, skipped = now_ms(), {}, 0

local function take(job, index, died)
  local token, key = lend(root, job, index, now + lease), root .. 'job:' .. job .. ':deaths'
  if died then redis.call('HINCRBY', key, index, 1) end
  local deaths = redis.call('HGET', key, index) or 0
  local lane = redis.call('HGET', root .. 'job:' .. job, 'lane')
  for _, value in ipairs({ job, index, token, deaths, lane }) do
    found[#found + 1] = tostring(value)
  end
end

local function show(job)
  if redis.call('HDEL', root .. 'job:' .. job, 'hidden') == 1 then
    list(root, job, redis.call('HGET', root .. 'job:' .. job, 'team'), now, keep)
  end
end

local function again(members, died)
  for _, member in ipairs(members) do
    local job, index = string.match(member, '^(%S+) (%d+)$')
    if redis.call('EXISTS', root .. 'job:' .. job) == 0 then
      redis.call('HDEL', root .. 'owners', member)
      redis.call('ZREM', root .. 'leases', member)
    else
      if died then show(job) end
      redis.call('SREM', root .. 'job:' .. job .. ':parked', index)
      take(job, index, died)
      most = most - 1
    end
    redis.call('ZREM', root .. 'due', member)
  end
end

-- The next row of a job that nobody had yet; nil if there is none.
local function next_of(job)
  local key = root .. 'job:' .. job
  local total = tonumber(redis.call('HGET', key, 'total') or 0)
  while skipped < 2000 do
    local index = redis.call('HINCRBY', key, 'next', 1) - 1
    if index >= total then return nil end
    if redis.call('HEXISTS', key .. ':out', index) == 0 then return index end
    skipped = skipped + 1
  end
  return nil
end

local function new(lane, room)
  local turns = root .. 'turns:' .. lane
  while room > 0 and skipped < 2000 do
    local team = redis.call('ZRANGE', turns, 0, 0)[1]
    if not team then return room end
    local ready = root .. 'ready:' .. lane .. ':' .. team
    local job = redis.call('ZRANGE', ready, 0, 0)[1]
    local index = job and next_of(job)
    if index then
      redis.call('HSETNX', root .. 'job:' .. job, 'started', now)
      redis.call('HSET', root .. 'job:' .. job, 'status', 'running')
      take(job, index, false)
      redis.call('ZINCRBY', turns, 1, team)
      room = room - 1
    elseif job and skipped < 2000 then
      redis.call('ZREM', ready, job)
    elseif not job then
      redis.call('ZREM', turns, team)
    end
  end
  return room
end

again(redis.call('ZRANGEBYSCORE', root .. 'leases', '-inf', now, 'LIMIT', 0, most), true)
again(redis.call('ZRANGEBYSCORE', root .. 'due', '-inf', now, 'LIMIT', 0, math.max(0, most)), false)
most = new('interactive', most)
new('bulk', math.min(most, bulk))
return found
