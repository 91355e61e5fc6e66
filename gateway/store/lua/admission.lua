-- Admitting steps: the first that can run is served from the cache, joined in flight, or reserved.

local function balances_of(a)
  local keys = {}
  for _, scope in ipairs(a.scopes) do
    for _, window in ipairs(a.windows) do
      -- A job's own cap knows no calendar.
      if window.period == 'total' or string.sub(scope, 1, 4) ~= 'job:' then
        keys[#keys + 1] = a.root .. 'bal:' .. scope .. ':' .. window.id
      end
    end
  end
  return keys
end

local function meters_of(a, s)
  local keys = {}
  for _, window in ipairs(a.windows) do
    keys[#keys + 1] = a.root .. 'units:' .. s.credential .. ':' .. window.id
  end
  return keys
end

-- What stands in the way of `amount` in one balance; nil if it fits.
local function overdrawn(key, amount, limit)
  local b = redis.call('HMGET', key, 'posted', 'reserved', 'in_doubt')
  local spent = tonumber(b[1] or 0) + tonumber(b[3] or 0)
  local reserved = tonumber(b[2] or 0)
  if spent + reserved + amount <= limit then return nil end
  return { spent = spent, reserved = reserved, limit = limit, patient = spent + amount <= limit }
end

-- One that is spent goes before one where only reservations are in the way.
local function graver(found, other)
  if other and not (found and (other.patient or not found.patient)) then return other end
  return found
end

local PERIODS = { 'day', 'month', 'total' }

-- A budget that `cost` does not fit, and the budgets that have shares to tell of.
local function obstacle(a, cost)
  if cost == 0 then return nil, '' end
  local found, watch = nil, {}
  for _, scope in ipairs(a.scopes) do
    local l = redis.call('HMGET', BASE .. 'budget:' .. scope, 'day', 'month', 'total', 'alert:day',
      'alert:month', 'alert:total')
    for at, window in ipairs(a.windows) do
      local key = a.root .. 'bal:' .. scope .. ':' .. window.id
      local over = l[at] and overdrawn(key, cost, tonumber(l[at]))
      if over then
        over.scope, over.period, over.resets_at = scope, window.period, window.ends
        found = graver(found, over)
      end
      if l[at] and l[at + 3] then watch[#watch + 1] = key .. '|' .. scope .. '|' .. PERIODS[at] end
    end
  end
  return found, table.concat(watch, ' ')
end

-- A limit of the account that `units` do not fit.
local function exhausted(a, s)
  if s.units == 0 then return nil end
  local found = nil
  for at, key in ipairs(meters_of(a, s)) do
    local over = s.limits[at] >= 0 and overdrawn(key, s.units, s.limits[at])
    if over then
      over.scope, over.period = 'credential:' .. s.credential, a.windows[at].period
      over.resets_at = a.windows[at].ends
      found = graver(found, over)
    end
  end
  return found
end

local function reserve(a, s, now, watch)
  local balances, meters = balances_of(a), s.free and {} or meters_of(a, s)
  if s.cost > 0 then
    for _, key in ipairs(balances) do redis.call('HINCRBY', key, 'reserved', s.cost) end
  end
  if s.units > 0 then
    for _, key in ipairs(meters) do redis.call('HINCRBY', key, 'reserved', s.units) end
  end
  local seq = stamp(a.root)
  redis.call('HSET', a.root .. 'entry:' .. s.rid,
    'state', s.direct and 'dispatched' or 'reserved', 'seq', seq, 'lookup', a.lookup,
    'team', a.team, 'key', a.key, 'tag', a.tag, 'provider', s.provider,
    'operation', s.operation, 'credential', s.credential, 'slot', s.slot,
    'worst_units', s.units, 'worst_cost', s.cost, 'price', s.price,
    'free', s.free and 1 or 0, 'at', now, 'dispatched_at', s.direct and now or 0,
    'until', now + s.lease, 'balances', table.concat(balances, ' '), 'ticket', '', 'joined', 0,
    'meters', table.concat(meters, ' '), 'watch', watch, 'unpriced', s.unpriced and 1 or 0, 'unit', s.unit)
  redis.call('ZADD', a.root .. 'ledger', seq, s.rid)
  redis.call('ZADD', a.root .. 'open', now + s.lease, s.rid)
  redis.call('SET', a.root .. 'flight:' .. s.slot, s.rid)
  if s.ask ~= '' then redis.call('SET', a.root .. 'asked:' .. s.rid, s.ask, 'PX', s.ask_life) end
  if s.probe then probe(a.root, s, now) end
  return { kind = 'reserved', index = s.index, rid = s.rid, dispatched = s.direct }
end

-- What `seek` finds at the step's own slot, or else at one of the others that its team may read: an
-- account of several buys into its own, whichever was asked before. What ends the step comes last.
local function anywhere(a, s, now, seek)
  local found = seek(a, s, now, s.slot)
  for _, slot in ipairs(s.others) do
    if found and not found.skip then return found end
    found = seek(a, s, now, slot) or found
  end
  return found
end

local function cached_at(a, s, now, slot)
  local c = redis.call('HMGET', a.root .. 'cache:' .. slot, 'at', 'life', 'body', 'marks', 'rid',
    'credential')
  local at = tonumber(c[1])
  if not at then return nil end
  local life = math.min(tonumber(c[2]), s.max_age)
  if now - at >= life and at < a.since then return nil end
  if objected(a.root, words(c[4])) then return { kind = 'suppressed' } end
  local found = { kind = 'cached', index = s.index, at = at, blob = c[3], credential = c[6] or '' }
  if a.again and c[5] then
    local e = redis.call('HMGET', a.root .. 'entry:' .. c[5], 'lookup', 'units', 'cost')
    if e[1] == a.lookup then
      found.rid, found.units, found.cost = c[5], tonumber(e[2]), tonumber(e[3])
    end
  end
  return found
end

local function cached(a, s, now) return anywhere(a, s, now, cached_at) end

-- The money of a step that this very lookup made before it was run again.
local function inherit(a, skip, rid, cost)
  skip.rid, skip.cost = rid, tonumber(cost)
  local booked = false
  for _, known in ipairs(a.booked) do booked = booked or known == rid end
  if not booked then a.spent = a.spent + skip.cost end
end

local function doubt(a, s, rid, e)
  local skip = { index = s.index, reason = 'in_doubt' }
  if a.again and e[4] == a.lookup then inherit(a, skip, rid, e[6]) end
  return { kind = 'in_doubt', skip = skip }
end

-- A step of this lookup that came to nothing before it was run again, whoever settled it. Nil if
-- there is none.
local function failed_before(a, s)
  if not a.again then return nil end
  local tried = redis.call('HMGET', a.root .. 'failed:' .. a.lookup, s.slot, unpack(s.others))
  local rid = false
  for _, one in ipairs(tried) do rid = rid or one end
  if not rid then return nil end
  local e = redis.call('HMGET', a.root .. 'entry:' .. rid, 'cost', 'units', 'reason')
  local skip = { index = s.index, reason = 'failed', why = e[3] or '', units = tonumber(e[2]) or 0 }
  inherit(a, skip, rid, e[1] or 0)
  return { kind = 'failed', skip = skip }
end

-- What becomes of a call for the same slot that is under way: join it, take its ticket over,
-- or, if its owner is gone, close it. Returns nil for a free slot.
local function flight_at(a, s, now, slot)
  local rid = redis.call('GET', a.root .. 'flight:' .. slot)
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
  -- A lookup that laid itself aside takes its own ticket up again.
  local own = a.again and e[4] == a.lookup and e[3] ~= ''
  if tonumber(e[2]) > now and not own then
    redis.call('HSET', key, 'joined', 1)
    return { kind = 'joined', index = s.index, rid = rid }
  end
  if e[3] ~= '' then
    redis.call('HSET', key, 'until', now + s.lease)
    redis.call('ZADD', a.root .. 'open', now + s.lease, rid)
    return { kind = 'resumed', index = s.index, rid = rid, blob = e[3], credential = e[5],
      own = e[4] == a.lookup }
  end
  abandon(a.root, rid, state, now)
  return redis.call('HGET', key, 'state') == 'in_doubt' and doubt(a, s, rid, e) or nil
end

local function flight(a, s, now) return anywhere(a, s, now, flight_at) end

local function refused(a, now)
  if is_outdated(a.root, a.mark, a.era) then return { kind = 'outdated' } end
  if a.key ~= '' then
    local live = tonumber(redis.call('HGET', BASE .. 'key:' .. a.key, 'live_until') or '0')
    if live <= now then return { kind = 'revoked' } end
  end
  for _, window in ipairs(a.windows) do
    if now < window.starts or now >= window.ends then return { kind = 'clock', now = now } end
  end
  if objected(a.root, a.persons) then return { kind = 'suppressed' } end
  return nil
end

-- A call for one account: the limits of money and units it must fit. Nil if it does.
local function misfit(a, s, budget, meter, skipped)
  local over = graver(budget, meter)
  if not over then return nil end
  if over.patient and a.patient then return { kind = 'wait', index = s.index } end
  if not budget and s.spare then return { kind = 'account', index = s.index } end
  over.patient = nil
  skipped[#skipped + 1] = { index = s.index, reason = 'over_budget', budget = over }
  return { kind = 'skip' }
end

-- A provider that has asked for patience, or fails all the time. Nil if it may be asked.
local function held_back(a, s, now)
  local pause = tonumber(redis.call('GET', a.root .. 'permits:' .. s.credential .. ':paused') or 0)
  if pause > now then
    return { index = s.index, reason = 'rate_limited', wait = pause - now }
  end
  local trip = tripped(a.root, s, now)
  if not trip then return nil end
  s.probe = trip.probe
  if s.probe then return nil end
  return { index = s.index, reason = 'circuit_open', wait = trip.wait }
end

local function known(a, s, now)
  return failed_before(a, s) or cached(a, s, now) or flight(a, s, now)
end

-- What costs nothing, wherever it stands: an answer that is kept, a call that is under way. What an
-- earlier run of the lookup paid for before it is told all the same.
local function gratis(a, now, skipped)
  local paid = {}
  for _, s in ipairs(a.steps) do
    s.seen = known(a, s, now) or false
    local skip = s.seen and s.seen.skip
    if s.seen and not skip then
      for _, one in ipairs(paid) do skipped[#skipped + 1] = one end
      return s.seen
    end
    if skip and skip.rid then paid[#paid + 1] = skip end
  end
  return nil
end

local function try(a, s, now, skipped)
  local found = s.seen
  if found == nil then found = known(a, s, now) end
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
  if s.unwanted then
    skipped[#skipped + 1] = { index = s.index, reason = 'not_worth_it' }
    return nil
  end
  if s.hurried then
    skipped[#skipped + 1] = { index = s.index, reason = 'timed_out' }
    return nil
  end
  local back = held_back(a, s, now)
  if back and s.spare then return { kind = 'account', index = s.index, wait = back.wait } end
  if back then
    skipped[#skipped + 1] = back
    return nil
  end
  local budget, watch = obstacle(a, s.cost)
  local meter = exhausted(a, s)
  if not budget and not meter then return reserve(a, s, now, watch) end
  local over = misfit(a, s, budget, meter, skipped)
  return over.kind ~= 'skip' and over or nil
end

-- The first step that can run: served from the cache, joined in flight, or reserved.
local function admit(a)
  local now = now_ms()
  local skipped, rate = {}, nil
  local found = refused(a, now)
  if a.since == 0 and not found then
    found, rate = gate(a, now)
    if not found then a.since = now end
  end
  if a.thrifty and not found then found = gratis(a, now, skipped) end
  if a.unplanned and not found then found = { kind = 'unplanned', index = a.steps[1].index } end
  for _, s in ipairs(a.steps) do
    if found then break end
    found = try(a, s, now, skipped)
  end
  found = found or { kind = 'none' }
  found.skipped, found.since, found.rate, found.held = skipped, a.since, rate, a.held
  return found
end

-- Bytes travel beside the packed reply: cmsgpack knows only text.
local function reply(found, root)
  local blob = found.blob or ''
  found.blob = nil
  found.seq, found.era = standing_of(root)
  return { cmsgpack.pack(found), blob }
end
