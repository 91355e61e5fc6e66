-- Reserving and settling, shared by every script that moves money.
-- Scripts do not roll back: everything is checked before the first write.

local LIVE = { reserved = true, dispatched = true }

local function balances_of(a)
  local keys = {}
  for _, scope in ipairs(a.scopes) do
    for _, window in ipairs(a.windows) do
      keys[#keys + 1] = a.root .. 'bal:' .. scope .. ':' .. window.id
    end
  end
  return keys
end

-- Redis 7.0 writes a zero with a minus as "-0", which its own HINCRBY refuses.
local function move(entry_balances, from, amount, to, landed)
  for key in string.gmatch(entry_balances, '%S+') do
    if amount ~= 0 then redis.call('HINCRBY', key, from, -amount) end
    if to and landed ~= 0 then redis.call('HINCRBY', key, to, landed) end
  end
end

-- Closes an entry once; a repeated call changes nothing. Returns whether it changed.
local function close(root, rid, ending, now)
  local key = root .. 'entry:' .. rid
  local e = redis.call('HMGET', key, 'state', 'worst_cost', 'balances', 'slot', 'joined', 'free')
  local held, state, worst = e[1], ending.state, tonumber(e[2])
  if state == 'in_doubt' and e[6] == '1' then state = 'voided' end
  if not held or held == state or not (LIVE[held] or held == 'in_doubt') then return false end
  local from = held == 'in_doubt' and 'in_doubt' or 'reserved'
  if state == 'posted' then
    move(e[3], from, worst, 'posted', ending.cost)
  elseif state == 'in_doubt' then
    move(e[3], from, worst, 'in_doubt', worst)
  else
    move(e[3], from, worst)
  end
  redis.call('HSET', key, 'state', state, 'units', ending.units, 'cost', ending.cost,
    'outcome', ending.outcome, 'reason', ending.reason, 'closed_at', now, 'ticket', '')
  if state == 'posted' and ending.cost > worst then redis.call('HSET', key, 'overrun', 1) end
  if state ~= 'in_doubt' then
    redis.call('PEXPIRE', key, ending.keep)
    if redis.call('GET', root .. 'flight:' .. e[4]) == rid then
      redis.call('DEL', root .. 'flight:' .. e[4])
    end
  end
  if e[5] == '1' then redis.call('PUBLISH', root .. 'flights', rid) end
  return true
end

-- Closes an entry whose owner is gone: nothing was sent, or nobody knows what came of it.
local function abandon(root, rid, held, keep, now)
  redis.call('ZREM', root .. 'open', rid)
  local ending = { state = 'voided', units = 0, cost = 0, outcome = 'failed',
    reason = 'expired', keep = keep }
  if held == 'dispatched' then
    ending.state, ending.outcome, ending.reason = 'in_doubt', 'in_doubt', 'owner_gone'
  end
  if LIVE[held] then close(root, rid, ending, now) end
end

-- A budget that `cost` does not fit: one that is spent, else one where reservations are in the way.
local function obstacle(a, cost)
  if cost == 0 then return nil end
  local found = nil
  for _, scope in ipairs(a.scopes) do
    local limits = redis.call('HMGET', a.base .. 'budget:' .. scope, 'day', 'month', 'total')
    for at, window in ipairs(a.windows) do
      local limit = tonumber(limits[at])
      if limit then
        local b = redis.call('HMGET', a.root .. 'bal:' .. scope .. ':' .. window.id,
          'posted', 'reserved', 'in_doubt')
        local spent = (tonumber(b[1]) or 0) + (tonumber(b[3]) or 0)
        local reserved = tonumber(b[2]) or 0
        local patient = spent + cost <= limit
        if spent + reserved + cost > limit and not (found and (patient or not found.patient)) then
          found = { scope = scope, period = window.period, spent = spent, reserved = reserved,
            limit = limit, resets_at = window.ends, patient = patient }
        end
      end
    end
  end
  return found
end

local function reserve(a, s, now)
  local balances = balances_of(a)
  if s.cost > 0 then
    for _, key in ipairs(balances) do redis.call('HINCRBY', key, 'reserved', s.cost) end
  end
  local seq = redis.call('INCR', a.root .. 'seq')
  redis.call('HSET', a.root .. 'entry:' .. s.rid,
    'state', s.direct and 'dispatched' or 'reserved', 'seq', seq, 'lookup', a.lookup,
    'team', a.team, 'key', a.key, 'tag', a.tag, 'provider', s.provider,
    'operation', s.operation, 'credential', s.credential, 'slot', s.slot,
    'worst_units', s.units, 'worst_cost', s.cost, 'price', s.price,
    'free', s.free and 1 or 0, 'at', now, 'dispatched_at', s.direct and now or 0,
    'until', now + s.lease, 'balances', table.concat(balances, ' '), 'ticket', '', 'joined', 0)
  redis.call('ZADD', a.root .. 'ledger', seq, s.rid)
  redis.call('ZADD', a.root .. 'open', now + s.lease, s.rid)
  redis.call('SET', a.root .. 'flight:' .. s.slot, s.rid)
  return { kind = 'reserved', index = s.index, rid = s.rid, dispatched = s.direct }
end

local function objected(root, marks)
  if #marks == 0 then return false end
  for _, hit in ipairs(redis.call('SMISMEMBER', root .. 'suppressed', unpack(marks))) do
    if hit == 1 then return true end
  end
  return false
end

local function words(text)
  local found = {}
  for word in string.gmatch(text, '%S+') do found[#found + 1] = word end
  return found
end

local function cached(a, s, now)
  local c = redis.call('HMGET', a.root .. 'cache:' .. s.slot, 'at', 'life', 'body', 'marks',
    'rid')
  local at = tonumber(c[1])
  if not at then return nil end
  local life = math.min(tonumber(c[2]), s.max_age)
  if now - at >= life and at < a.since then return nil end
  if objected(a.root, words(c[4])) then return { kind = 'suppressed' } end
  local found = { kind = 'cached', index = s.index, at = at, blob = c[3] }
  if a.again and c[5] then
    local e = redis.call('HMGET', a.root .. 'entry:' .. c[5], 'lookup', 'units', 'cost')
    if e[1] == a.lookup then
      found.rid, found.units, found.cost = c[5], tonumber(e[2]), tonumber(e[3])
    end
  end
  return found
end

-- What an earlier call left in doubt; its money if this very lookup made it before it was run again.
local function doubt(a, s, rid, e)
  local skip = { index = s.index, reason = 'in_doubt' }
  if a.again and e[4] == a.lookup then
    skip.rid, skip.cost = rid, tonumber(e[6])
    local booked = false
    for _, known in ipairs(a.booked) do booked = booked or known == rid end
    if not booked then a.spent = a.spent + skip.cost end
  end
  return { kind = 'in_doubt', skip = skip }
end

-- What becomes of a call for the same slot that is under way: join it, take its ticket over,
-- or, if its owner is gone, close it. Returns nil for a free slot.
local function flight(a, s, now)
  local rid = redis.call('GET', a.root .. 'flight:' .. s.slot)
  if not rid then return nil end
  local key = a.root .. 'entry:' .. rid
  local e = redis.call('HMGET', key, 'state', 'until', 'ticket', 'lookup', 'credential',
    'worst_cost')
  local state = e[1]
  if rid == s.rid and LIVE[state] then
    return { kind = 'reserved', index = s.index, rid = rid, dispatched = state == 'dispatched' }
  end
  if state == 'in_doubt' then return doubt(a, s, rid, e) end
  if not LIVE[state] then return nil end
  if tonumber(e[2]) > now then
    redis.call('HSET', key, 'joined', 1)
    return { kind = 'joined', index = s.index, rid = rid }
  end
  if e[3] ~= '' then
    redis.call('HSET', key, 'until', now + s.lease)
    redis.call('ZADD', a.root .. 'open', now + s.lease, rid)
    return { kind = 'resumed', index = s.index, rid = rid, blob = e[3], credential = e[5],
      own = e[4] == a.lookup }
  end
  abandon(a.root, rid, state, a.keep, now)
  return redis.call('HGET', key, 'state') == 'in_doubt' and doubt(a, s, rid, e) or nil
end

local function refused(a, now)
  if a.key ~= '' then
    local live = tonumber(redis.call('HGET', a.base .. 'key:' .. a.key, 'live_until') or '0')
    if live <= now then return { kind = 'revoked' } end
  end
  for _, window in ipairs(a.windows) do
    if now < window.starts or now >= window.ends then return { kind = 'clock', now = now } end
  end
  if objected(a.root, a.persons) then return { kind = 'suppressed' } end
  return nil
end

-- Counts the requests of this minute, once per lookup, of a team that has a limit. Others are not
-- counted here: a served cache hit must not have to wait for the disk.
local function counted(a, now)
  local limit = tonumber(redis.call('HGET', a.base .. 'limits:team:' .. a.team, 'per_minute'))
  if not limit then return nil end
  local minute = math.floor(now / 60000)
  local key = a.base .. 'rate:team:' .. a.team .. ':' .. minute
  local used = redis.call('INCR', key)
  if used == 1 then redis.call('PEXPIRE', key, 120000) end
  return { limit = limit, remaining = math.max(0, limit - used),
    resets = math.ceil(((minute + 1) * 60000 - now) / 1000), over = used > limit }
end

local function try(a, s, now, skipped)
  local found = cached(a, s, now) or flight(a, s, now)
  if found and found.skip then
    skipped[#skipped + 1] = found.skip
    return nil
  end
  if found then return found end
  -- Withdrawn by its owner: this claim was held up on its way and nobody waits for it any more.
  if redis.call('EXISTS', a.root .. 'entry:' .. s.rid) == 1 then return { kind = 'gone' } end
  if s.cost > 0 and a.max_cost >= 0 and a.spent + s.cost > a.max_cost then
    skipped[#skipped + 1] = { index = s.index, reason = 'over_budget',
      budget = { scope = 'max_cost', period = 'lookup', spent = a.spent, reserved = 0,
        limit = a.max_cost, resets_at = 0 } }
    return nil
  end
  local budget = obstacle(a, s.cost)
  if not budget then return reserve(a, s, now) end
  if budget.patient and a.patient then return { kind = 'wait', index = s.index } end
  budget.patient = nil
  skipped[#skipped + 1] = { index = s.index, reason = 'over_budget', budget = budget }
  return nil
end

-- The first step that can run: served from the cache, joined in flight, or reserved.
local function admit(a)
  local now = now_ms()
  local skipped, rate = {}, nil
  local found = refused(a, now)
  if a.since == 0 and not found then
    a.since, rate = now, counted(a, now)
    if rate and rate.over then found = { kind = 'limited' } end
  end
  for _, s in ipairs(a.steps) do
    if found then break end
    found = try(a, s, now, skipped)
  end
  found = found or { kind = 'none' }
  found.skipped, found.since, found.rate = skipped, a.since, rate
  return found
end

-- Bytes travel beside the packed reply: cmsgpack knows only text.
local function reply(found)
  local blob = found.blob or ''
  found.blob = nil
  return { cmsgpack.pack(found), blob }
end
