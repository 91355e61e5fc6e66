-- Moving money and units between the balances of an entry, shared by every script that does.
-- Scripts do not roll back: everything is checked before the first write.

local BASE = '{pgw}:'
local LIVE = { reserved = true, dispatched = true }

-- One number for every change of the ledger: by it a store is known that came back older than
-- those who ask it.
local function stamp(root) return redis.call('INCR', root .. 'seq') end

local function standing_of(root)
  local found = redis.call('MGET', root .. 'seq', root .. 'era')
  return tonumber(found[1] or 0), tonumber(found[2] or 0)
end

-- Everybody who asks stops, until the ledger is accepted: whoever has seen less of it would go on, and
-- bring its sequence to where nobody notices any more.
local function stop_all(root)
  local era = redis.call('GET', root .. 'era') or '0'
  redis.call('SET', root .. 'missed', era .. ' ' .. string.format('%.0f', now_ms()))
end

-- Whether the store is older than somebody has seen it; `mark` and `era` are what who asks has seen.
local function is_outdated(root, mark, era)
  local found = redis.call('MGET', root .. 'seq', root .. 'era', root .. 'missed')
  if string.match(found[3] or '', '^%d+') == (found[2] or '0') then return true end
  local own = tonumber(found[2] or 0)
  if own > era or (own == era and tonumber(found[1] or 0) >= mark) then return false end
  stop_all(root)
  return true
end

-- Whether the store has forgotten an entry that was reserved in its `era`, by the word of its owner.
local function is_missed(root, rid, fresh, era)
  if not fresh or redis.call('EXISTS', root .. 'entry:' .. rid) == 1 then return false end
  if tonumber(redis.call('GET', root .. 'era') or 0) ~= era then return false end
  stop_all(root)
  return true
end

-- Redis 7.0 writes a zero with a minus as "-0", which its own HINCRBY refuses.
local function move(entry_balances, from, amount, to, landed)
  for key in string.gmatch(entry_balances or '', '%S+') do
    if from and amount ~= 0 then redis.call('HINCRBY', key, from, -amount) end
    if to and landed ~= 0 then redis.call('HINCRBY', key, to, landed) end
  end
end

-- Writes an event for each share of a budget that is used up now and was not before. What was told
-- of a limit says nothing of a later one. `watch` has balance|scope|period of budgets with shares.
local function announce(root, watch, team, now)
  for key, scope, period in string.gmatch(watch or '', '([^|%s]+)|([^|%s]+)|(%S+)') do
    local budget = BASE .. 'budget:' .. scope
    local l = redis.call('HMGET', budget, period, 'alert:' .. period)
    local b = redis.call('HMGET', key, 'posted', 'in_doubt', 'told')
    local limit, spent = tonumber(l[1]), tonumber(b[1] or 0) + tonumber(b[2] or 0)
    local of, told = string.match(b[3] or '', '^(%d+):(%d+)$')
    local reached = of == l[1] and tonumber(told) or 0
    local highest = reached
    for share in string.gmatch(limit and l[2] or '', '%d+') do
      share = tonumber(share)
      if share > reached and spent * 1000000 >= limit * share then
        redis.call('XADD', root .. 'outbox', 'MAXLEN', '~', 100000, '*', 'event',
          'budget.threshold', 'team', team, 'data', cjson.encode({ scope = scope,
            period = period, window = string.match(key, ':([dmt]:?[%d-]*)$'), share = share,
            spent = spent, limit = limit, at = now }))
        highest = math.max(highest, share)
      end
    end
    if highest > reached then redis.call('HSET', key, 'told', l[1] .. ':' .. highest) end
  end
end

-- Whoever speaks for an entry is alive: it is left alone until `ends`. Returns its state, nil if it is
-- closed.
local function renew(root, rid, ends)
  local key = root .. 'entry:' .. rid
  local state = redis.call('HGET', key, 'state')
  if not LIVE[state] then return nil end
  redis.call('HSET', key, 'until', ends)
  redis.call('ZADD', root .. 'open', ends, rid)
  return state
end

local CLOSING = { 'state', 'worst_cost', 'balances', 'slot', 'joined', 'free', 'worst_units',
  'meters', 'watch', 'team' }

-- Closes an entry once; a repeated call changes nothing. Returns whether it changed.
local function close(root, rid, ending, now)
  local key = root .. 'entry:' .. rid
  local e = redis.call('HMGET', key, unpack(CLOSING))
  local held, state, worst = e[1], ending.state, tonumber(e[2])
  if state == 'in_doubt' and e[6] == '1' then state = 'voided' end
  if not held or held == state or not (LIVE[held] or held == 'in_doubt') then return false end
  local from, units = held == 'in_doubt' and 'in_doubt' or 'reserved', tonumber(e[7])
  if state == 'posted' then
    move(e[3], from, worst, 'posted', ending.cost)
    move(e[8], from, units, 'posted', ending.units)
  elseif state == 'in_doubt' then
    move(e[3], from, worst, 'in_doubt', worst)
    move(e[8], from, units, 'in_doubt', units)
  else
    move(e[3], from, worst)
    move(e[8], from, units)
  end
  stamp(root)
  redis.call('HSET', key, 'state', state, 'units', ending.units, 'cost', ending.cost,
    'outcome', ending.outcome, 'reason', ending.reason, 'closed_at', now)
  if state == 'posted' and ending.cost > worst then redis.call('HSET', key, 'overrun', 1) end
  if state ~= 'voided' then announce(root, e[9], e[10], now) end
  if state == 'in_doubt' then
    redis.call('SADD', root .. 'doubts', rid)
  else
    redis.call('HSET', key, 'ticket', '')
    redis.call('SREM', root .. 'doubts', rid)
    redis.call('DEL', root .. 'asked:' .. rid)
    if redis.call('GET', root .. 'flight:' .. e[4]) == rid then
      redis.call('DEL', root .. 'flight:' .. e[4])
    end
  end
  if e[5] == '1' then redis.call('PUBLISH', root .. 'flights', rid) end
  return true
end

-- Closes an entry whose owner is gone: nothing was sent, or nobody knows what came of it.
local function abandon(root, rid, held, now)
  redis.call('ZREM', root .. 'open', rid)
  local ending = { state = 'voided', units = 0, cost = 0, outcome = 'failed',
    reason = 'expired' }
  if held == 'dispatched' then
    ending.state, ending.outcome, ending.reason = 'in_doubt', 'in_doubt', 'owner_gone'
  end
  if LIVE[held] then close(root, rid, ending, now) end
end
