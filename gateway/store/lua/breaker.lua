-- Breakers: an account that fails at an operation again and again is left alone for a while; then one
-- call, of all processes, finds out whether it is well. What is asked natively counts as the lookup
-- that asks the same: its class is not what the ledger calls it.

local FAILURES, FORGET = 5, 60000
local FIRST, LONGEST, PROBE = 5000, 60000, 75000

local function breaker_of(root, credential, operation)
  return root .. 'breaker:' .. credential .. ':' .. operation
end

local function class_of(s) return s.breaker ~= '' and s.breaker or s.operation end

-- Why a step may not be asked now, and for how long; nil if it may. `probe` says that it is the one
-- call that finds out.
local function tripped(root, s, now)
  local key = breaker_of(root, s.credential, class_of(s))
  local b = redis.call('HMGET', key, 'until', 'probe_until', 'forced')
  if b[3] == 'closed' then return nil end
  if b[3] == 'open' then return { wait = LONGEST } end
  local ends = tonumber(b[1])
  if not ends then return nil end
  -- What lasts longer than it can is of a clock that was ahead, and is set back.
  if ends > now + LONGEST then ends = now end
  if tonumber(b[2] or 0) > now + PROBE then b[2] = nil end
  if now < ends then return { wait = ends - now } end
  if tonumber(b[2] or 0) > now then return { wait = 1000 } end
  return { probe = true }
end

local function probe(root, s, now)
  local key = breaker_of(root, s.credential, class_of(s))
  redis.call('HSET', key, 'probe_until', now + PROBE, 'probe', s.rid)
end

-- What a call says of its account: 'ok', 'fail', or '' for nothing.
local function heard(root, credential, operation, rid, word, now)
  local key = breaker_of(root, credential, operation)
  local b = redis.call('HMGET', key, 'until', 'fails', 'last', 'strikes', 'probe', 'forced')
  if word == 'ok' then
    if b[1] or b[2] then
      redis.call('HDEL', key, 'until', 'fails', 'last', 'strikes', 'probe', 'probe_until')
      if not b[6] then redis.call('SREM', root .. 'breakers', credential .. ':' .. operation) end
    end
    return
  end
  if b[5] == rid then redis.call('HDEL', key, 'probe', 'probe_until') end
  if word ~= 'fail' then return end
  local ends, fails = tonumber(b[1]), tonumber(b[2] or 0)
  -- Those that were under way when it tripped tell nothing new.
  if ends and b[5] ~= rid then return end
  if now - tonumber(b[3] or 0) > FORGET then fails = 0 end
  fails = fails + 1
  redis.call('HSET', key, 'fails', fails, 'last', now)
  if fails >= FAILURES or ends then
    local strikes = tonumber(b[4] or 0)
    redis.call('HSET', key, 'until', now + math.min(LONGEST, FIRST * 2 ^ strikes),
      'strikes', strikes + 1)
    redis.call('SADD', root .. 'breakers', credential .. ':' .. operation)
  end
  if not b[6] then redis.call('PEXPIRE', key, 86400000) end
end
