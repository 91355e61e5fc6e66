-- uses: moves pace breaker suppression admission queue given learn
-- Closes an entry, keeps its answer, learns from it, writes the job's state, and admits the next
-- step.
-- ARGV: the settlement, the answer's bytes, the job's progress, the bytes that may be kept if one of
-- the others in it has objected ('' for none), what is kept of the lookup's decisions.

-- Of counts the old weigh less and less.
local function fade(key)
  if redis.call('HINCRBY', key .. ':n', 'n', 1) < 1000 then return end
  redis.call('DEL', key .. ':n')
  local counts = redis.call('HGETALL', key)
  for at = 1, #counts, 2 do
    redis.call('HSET', key, counts[at], math.floor(tonumber(counts[at + 1]) / 2))
  end
end

local OBJECTED = 'the provider says that the person objected'
local HITS = { accepted = 1, weak = 1 }
local TOLD = { accepted = true, weak = true, empty = true }

-- How an account's provider does: what it finds, how soon, and how long its tickets take.
local function observe(a)
  local e = redis.call('HMGET', a.root .. 'entry:' .. a.rid, 'provider', 'operation')
  local name = e[1] .. ':' .. e[2]
  if a.took >= 0 then
    redis.call('HINCRBY', a.root .. 'times:' .. name, a.took, 1)
    fade(a.root .. 'times:' .. name)
  end
  if not TOLD[a.outcome] then return end
  local key = a.root .. 'doing:' .. name
  redis.call('HINCRBY', key, 'asked', 1)
  redis.call('HINCRBY', key, 'hits', HITS[a.outcome] or 0)
  redis.call('HINCRBY', key, 'ms', a.upstream)
  fade(key)
end

-- What a call has cost after its lookup was given up is its job's all the same. Of a lookup that goes
-- on, whoever runs it tells.
local function charge_job(a)
  local e = redis.call('HMGET', a.root .. 'entry:' .. a.rid, 'lookup', 'counted')
  local lookup = e[1] or ''
  local job = redis.call('GET', a.root .. 'left:' .. lookup)
  local of_row = string.match(lookup, '^(job_%w+)%.%d+$')
  local key = a.root .. 'job:' .. (job or of_row or '')
  local status = redis.call('HGET', key, 'status')
  if e[2] or not status or not (job or status == 'cancelled') then return end
  local p = a.place
  local own = p and (p.job == job or p.job .. '.' .. p.item == lookup)
  if own and owns(a.root, p.job .. ' ' .. p.item, p.token) then return end
  redis.call('HINCRBY', key, 'cost', a.cost)
end

-- Of decisions the newest are kept.
local function remember(root, memo, body, now)
  local index = root .. 'traced'
  redis.call('SET', root .. 'trace:' .. memo.name, body, 'PX', memo.life)
  redis.call('ZADD', index, now, memo.name)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now - memo.life)
  local surplus = redis.call('ZCARD', index) - memo.cap
  if surplus <= 0 then return end
  for _, name in ipairs(redis.call('ZRANGE', index, 0, surplus - 1)) do
    redis.call('DEL', root .. 'trace:' .. name)
  end
  redis.call('ZREMRANGEBYRANK', index, 0, surplus - 1)
end

local a = cmsgpack.unpack(ARGV[1])
-- What was never reserved can be given up in any store.
local given_up = a.state == 'voided' and redis.call('EXISTS', a.root .. 'entry:' .. a.rid) == 0
if not given_up and (is_missed(a.root, a.rid, a.fresh, a.era)
  or is_outdated(a.root, a.mark, a.era)) then
  return reply({ kind = 'outdated', skipped = {}, since = 0 }, a.root)
end
local now = now_ms()
local changed = close(a.root, a.rid, a, now)
local closed = changed and standing_of(a.root) or 0
if changed and a.state == 'posted' and a.cost > 0 then charge_job(a) end
if changed and a.health ~= '' then
  local e = redis.call('HMGET', a.root .. 'entry:' .. a.rid, 'credential', 'operation')
  heard(a.root, e[1], a.breaker ~= '' and a.breaker or e[2], a.rid, a.health, now)
end
local drifted = false
if changed then
  observe(a)
  for _, lesson in ipairs(a.lessons) do drifted = learn(a.root, lesson) or drifted end
end
-- A provider that only asks for patience is asked again.
local patience = a.state == 'voided' and a.reason == 'rate_limited'
if changed and a.ends and not patience then
  -- A lookup that is run again must not pay for it once more.
  local e = redis.call('HMGET', a.root .. 'entry:' .. a.rid, 'lookup', 'slot')
  redis.call('HSET', a.root .. 'failed:' .. e[1], e[2], a.rid)
  redis.call('PEXPIRE', a.root .. 'failed:' .. e[1], 86400000)
end
if a.memo then remember(a.root, a.memo, ARGV[5], now) end
redis.call('ZREM', a.root .. 'open', a.rid)
if a.state == 'voided' and redis.call('EXISTS', a.root .. 'entry:' .. a.rid) == 0 then
  -- A claim that was given up, and that a slow store may still have before it.
  redis.call('HSET', a.root .. 'entry:' .. a.rid, 'state', 'voided')
  redis.call('PEXPIRE', a.root .. 'entry:' .. a.rid, 3600000)
end
local hits = {}
if a.cache then
  for _, marks in ipairs({ a.cache.marks, a.persons, a.places }) do
    for _, hit in ipairs(struck(a.root, marks)) do hits[#hits + 1] = hit end
  end
end
local stopped = #hits > 0
if stopped then
  extend(a.root, hits, a.persons, a.places)
elseif a.objected and #a.persons > 0 then
  local provider = redis.call('HGET', a.root .. 'entry:' .. a.rid, 'provider')
  local said = { kind = a.kind, source = provider or 'provider', reason = OBJECTED }
  for _, mark in ipairs(a.apart and a.persons or { '' }) do
    said.marks = a.apart and { mark } or a.persons
    suppress(a.root, said, now)
  end
end
local spoilt = a.cache and objected(a.root, a.cache.others)
if changed and a.cache and not stopped and not (spoilt and ARGV[4] == '') then
  local key, index = a.root .. 'cache:' .. a.cache.slot, a.root .. 'cached'
  redis.call('HSET', key, 'at', now, 'life', a.cache.life, 'body', spoilt and ARGV[4] or ARGV[2],
    'marks', table.concat(a.cache.marks, ' '), 'rid', a.rid, 'credential', a.cache.credential)
  redis.call('PEXPIRE', key, a.cache.life)
  redis.call('ZADD', index, now, a.cache.slot)
  local surplus = redis.call('ZCARD', index) - a.cache.cap
  if surplus > 0 then
    for _, slot in ipairs(redis.call('ZRANGE', index, 0, surplus - 1)) do
      redis.call('DEL', a.root .. 'cache:' .. slot)
    end
    redis.call('ZREMRANGEBYRANK', index, 0, surplus - 1)
  end
end
if changed and a.given and not stopped then give(a.root, a.given) end
if a.place and owns(a.root, a.place.job .. ' ' .. a.place.item, a.place.token) then
  redis.call('HSET', a.root .. 'job:' .. a.place.job .. ':progress', a.place.item, ARGV[3])
  redis.call('HDEL', a.root .. 'job:' .. a.place.job .. ':deaths', a.place.item)
end
local found = { kind = 'done', skipped = {}, since = 0 }
if stopped then
  found.kind = 'suppressed'
elseif a.next then
  found = admit(a.next)
end
found.closed, found.drifted = closed, drifted
return reply(found, a.root)
