-- Jobs and the leases on their items, shared by every script that changes them. A member is
-- "job index"; whoever holds its newest token may write of it. Each lane has its own leases, items
-- that are due, and turns, so that no crowd in one is in the way of the other.

local function owns(root, member, token)
  return token ~= '' and redis.call('HGET', root .. 'owners', member) == token
end

local function lane_of(root, job)
  return redis.call('HGET', root .. 'job:' .. job, 'lane') or 'bulk'
end

-- Gives an item away until its lease runs out, under a token newer than every other.
local function lend(root, lane, job, index, ends)
  local member = job .. ' ' .. index
  local token = string.format('%.0f', redis.call('INCR', root .. 'tokens'))
  redis.call('HSET', root .. 'owners', member, token)
  if redis.call('ZADD', root .. 'leases:' .. lane, ends, member) == 1 then
    redis.call('HINCRBY', root .. 'job:' .. job, 'flying', 1)
  end
  return token
end

local function give_back(root, job, index)
  local member = job .. ' ' .. index
  redis.call('HDEL', root .. 'owners', member)
  if redis.call('ZREM', root .. 'leases:' .. lane_of(root, job), member) == 1 then
    redis.call('HINCRBY', root .. 'job:' .. job, 'flying', -1)
  end
end

-- Whoever has it gives it away until then.
local function lay_aside(root, job, index, due)
  give_back(root, job, index)
  redis.call('SADD', root .. 'job:' .. job .. ':parked', index)
  redis.call('ZADD', root .. 'due:' .. lane_of(root, job), due, job .. ' ' .. index)
end

local PARTS = { '', ':in', ':out', ':progress', ':deaths', ':parked', ':again' }

local function outlive(root, job, life)
  for _, part in ipairs(PARTS) do
    redis.call('PEXPIRE', root .. 'job:' .. job .. part, life)
  end
  redis.call('PEXPIRE', root .. 'bal:job:' .. job .. ':t', life)
  redis.call('PEXPIRE', '{pgw}:budget:job:' .. job, life)
end

-- Shows a job to its team.
local function list(root, job, team, now, keep)
  redis.call('ZADD', root .. 'jobs:of:' .. team, 'NX', now, job)
  redis.call('ZREMRANGEBYSCORE', root .. 'jobs:of:' .. team, '-inf', now - 2 * keep)
end

-- Lines a job up for its team's turns in its lane. A team that was away is not owed the turns that
-- it missed.
local function line_up(root, lane, team, job, now)
  redis.call('ZADD', root .. 'ready:' .. lane .. ':' .. team, now, job)
  local turns = root .. 'turns:' .. lane
  if not redis.call('ZSCORE', turns, team) then
    local least = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    redis.call('ZADD', turns, least[2] or 0, team)
  end
  redis.call('PUBLISH', root .. 'work', lane)
end

-- A lookup is given up: what its open ticket turns out to cost is its job's all the same.
local function leave(root, job, index, life)
  local lookup = redis.call('HGET', root .. 'job:' .. job, 'lookup') or job .. '.' .. index
  redis.call('SET', root .. 'left:' .. lookup, job, 'PX', life)
end

-- An entry is in its job's cost, be it settled or not.
local function count_in(root, rid)
  local key = root .. 'entry:' .. rid
  if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'counted', 1) end
end

-- Ends a job that has nothing left to do, and tells of it. What it leaves behind goes in time; an
-- idempotency key that answers with it must not outlive it.
local function conclude(root, job, now, keep)
  local key = root .. 'job:' .. job
  local j = redis.call('HMGET', key, 'total', 'done', 'cancelled', 'status', 'failed', 'team', 'lane',
    'mark', 'url', 'finished')
  local total, done, cancelled = tonumber(j[1]), tonumber(j[2]), tonumber(j[3])
  if j[10] or done + cancelled < total then return end
  local status = j[4] == 'cancelled' and 'cancelled' or 'completed'
  if status == 'completed' and tonumber(j[5]) == total then status = 'failed' end
  redis.call('HSET', key, 'status', status, 'finished', now)
  redis.call('ZREM', root .. 'ready:' .. j[7] .. ':' .. j[6], job)
  outlive(root, job, math.max(keep, j[8] and redis.call('PTTL', j[8]) or 0))
  redis.call('XADD', root .. 'outbox', 'MAXLEN', '~', 100000, '*', 'event', 'job.completed',
    'team', j[6], 'url', j[9] or '', 'data', cjson.encode({ id = job }))
  redis.call('PUBLISH', root .. 'ended', job)
end
