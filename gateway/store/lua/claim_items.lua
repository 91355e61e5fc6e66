-- uses: queue
-- Lends items to whoever asks, lane by lane: first those whose owner is gone, then those that are due,
-- then new ones and those that were only held back, team by team in turn. Whoever has less at work where it is asked goes first: rows that
-- wait for a slow provider must not take every place from those of other teams.
-- ARGV: lease ms, kept for ms, the death from which on an item is suspected, ms that it waits then, ms
-- that it waits at most, most of the lane `interactive`, most of `bulk`, most new ones of `bulk`, then
-- team, its rows at work here, ... Returns job, index, token, owners that died with it, lane, team, ...
local root, lease, keep = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local now, found, skipped = now_ms(), {}, 0
local suspected, first, longest = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
-- Rows that one call steps over: more would keep the store from everybody else.
local PATIENCE = 2000
local bulk_at_work = {}
for at = 9, #ARGV, 2 do bulk_at_work[ARGV[at]] = tonumber(ARGV[at + 1]) end

local function take(lane, job, index)
  local token = lend(root, lane, job, index, now + lease)
  local deaths = redis.call('HGET', root .. 'job:' .. job .. ':deaths', index) or 0
  local team = redis.call('HGET', root .. 'job:' .. job, 'team') or ''
  for _, value in ipairs({ job, index, token, deaths, lane, team }) do
    found[#found + 1] = tostring(value)
  end
end

local function show(job)
  if redis.call('HDEL', root .. 'job:' .. job, 'hidden') == 1 then
    list(root, job, redis.call('HGET', root .. 'job:' .. job, 'team'), now, keep)
  end
end

-- How long a suspect waits: longer with each death, and each for another time, so that those which
-- died together do not meet again.
local function pause(member, deaths)
  local about = math.min(longest, first * 2 ^ (deaths - suspected))
  local share = tonumber(string.sub(redis.sha1hex(member .. ' ' .. deaths), 1, 4), 16) / 65536
  return math.floor(about * (0.5 + share))
end

-- Counts that an owner died with an item. It may be what kills them, or only have been there: if they
-- died again and again, it is laid aside for a while. False if it can be lent at once.
local function bury_owner(job, index)
  local deaths = redis.call('HINCRBY', root .. 'job:' .. job .. ':deaths', index, 1)
  show(job)
  local is_cancelled = redis.call('HGET', root .. 'job:' .. job, 'status') == 'cancelled'
  if deaths < suspected or is_cancelled then return false end
  lay_aside(root, job, index, now + pause(job .. ' ' .. index, deaths))
  return true
end

-- What was held back has all its work before it: it waits for its team's turn like a new one. False if
-- it can be lent at once.
local function back_in_line(lane, job, index)
  local key = root .. 'job:' .. job
  if not redis.call('ZSCORE', key .. ':again', index) then return false end
  local j = redis.call('HMGET', key, 'status', 'team', 'created')
  if j[1] == 'cancelled' then return false end
  redis.call('ZREM', root .. 'due:' .. lane, job .. ' ' .. index)
  -- Its time has come, whatever the clock says when its turn does.
  redis.call('ZADD', key .. ':again', 0, index)
  if not redis.call('ZSCORE', root .. 'ready:' .. lane .. ':' .. j[2], job) then
    line_up(root, lane, j[2], job, j[3])
  end
  return true
end

-- Lends again what was lent before: `from` are the leases or what is due. Returns the room left.
local function again(lane, from, room, died)
  local index_of = root .. from .. ':' .. lane
  local most = died and PATIENCE or room
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', index_of, '-inf', now, 'LIMIT', 0, most)) do
    if room <= 0 then break end
    local job, index = string.match(member, '^(%S+) (%d+)$')
    if redis.call('EXISTS', root .. 'job:' .. job) == 0 then
      redis.call('HDEL', root .. 'owners', member)
      redis.call('ZREM', index_of, member)
    elseif not (died and bury_owner(job, index) or not died and back_in_line(lane, job, index)) then
      redis.call('ZREM', root .. 'due:' .. lane, member)
      redis.call('ZREM', root .. 'job:' .. job .. ':again', index)
      redis.call('SREM', root .. 'job:' .. job .. ':parked', index)
      take(lane, job, index)
      room = room - 1
    end
  end
  return room
end

-- A row of a job that was held back, else the next that nobody had yet; nil if there is none.
local function next_of(lane, job)
  local key = root .. 'job:' .. job
  local held = redis.call('ZRANGEBYSCORE', key .. ':again', '-inf', now, 'LIMIT', 0, 1)[1]
  if held then
    redis.call('ZREM', key .. ':again', held)
    redis.call('ZREM', root .. 'due:' .. lane, job .. ' ' .. held)
    redis.call('SREM', key .. ':parked', held)
    return held
  end
  local total = tonumber(redis.call('HGET', key, 'total') or 0)
  while skipped < PATIENCE do
    local index = redis.call('HINCRBY', key, 'next', 1) - 1
    if index >= total then
      redis.call('HSET', key, 'next', total)
      return nil
    end
    if redis.call('HEXISTS', key .. ':out', index) == 0 then return index end
    skipped = skipped + 1
  end
  return nil
end

-- Of those with the fewest rows at work here, the team that had the fewest turns.
local function next_team(turns, at_work)
  local found
  for _, team in ipairs(redis.call('ZRANGE', turns, 0, -1)) do
    if not found or (at_work[team] or 0) < (at_work[found] or 0) then found = team end
  end
  return found
end

local function new(lane, room, at_work)
  local turns = root .. 'turns:' .. lane
  while room > 0 and skipped < PATIENCE do
    local team = next_team(turns, at_work)
    if not team then return end
    local ready = root .. 'ready:' .. lane .. ':' .. team
    local job = redis.call('ZRANGE', ready, 0, 0)[1]
    local index = job and next_of(lane, job)
    if index then
      redis.call('HSETNX', root .. 'job:' .. job, 'started', now)
      redis.call('HSET', root .. 'job:' .. job, 'status', 'running')
      take(lane, job, index)
      redis.call('ZINCRBY', turns, 1, team)
      at_work[team] = (at_work[team] or 0) + 1
      room = room - 1
    elseif job and skipped < PATIENCE then
      redis.call('ZREM', ready, job)
    elseif not job then
      redis.call('ZREM', turns, team)
    end
  end
end

local function lane(name, room, fresh, at_work)
  room = again(name, 'leases', room, true)
  room = again(name, 'due', math.max(0, room), false)
  new(name, math.min(room, fresh), at_work)
end

lane('interactive', tonumber(ARGV[6]), tonumber(ARGV[6]), {})
lane('bulk', tonumber(ARGV[7]), tonumber(ARGV[8]), bulk_at_work)
-- The rest of what was stepped over is there at once, for the next call.
if skipped >= PATIENCE then redis.call('PUBLISH', root .. 'work', 'bulk') end
return found
