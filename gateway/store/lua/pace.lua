-- How often, and how many at once, a team or a key may ask. Only those with a limit are counted: a
-- served cache hit must not have to wait for the disk.

-- A lookup that is not heard of for so long has lost its process.
local FORGOTTEN = 90000

local function paced(scope, now)
  local l = redis.call('HMGET', BASE .. 'limits:' .. scope, 'per_minute', 'at_once')
  local p = { minute = tonumber(l[1]), at_once = tonumber(l[2]) }
  if p.minute then
    p.key = BASE .. 'rate:' .. scope .. ':' .. math.floor(now / 60000)
    p.used = tonumber(redis.call('GET', p.key) or 0)
  end
  if p.at_once then
    p.busy = BASE .. 'busy:' .. scope
    p.running = redis.call('ZCOUNT', p.busy, '(' .. now, '+inf')
  end
  return p
end

-- Counts a request, once, in every scope or in none. Returns why it has to wait, and what is left.
local function gate(a, now)
  local all, tightest = {}, nil
  local resets = 60 - math.floor(now % 60000 / 1000)
  for _, scope in ipairs(a.scopes) do
    local p = scope ~= 'all' and paced(scope, now) or {}
    if p.minute and p.used >= p.minute then
      return { kind = 'limited' },
        { scope = scope, limit = p.minute, remaining = 0, resets = resets }
    end
    if p.at_once and p.running >= p.at_once then
      return { kind = 'busy' }, { scope = scope, limit = p.at_once, remaining = 0, resets = 1 }
    end
    all[#all + 1] = p
  end
  for at, p in ipairs(all) do
    if p.minute then
      if redis.call('INCR', p.key) == 1 then redis.call('PEXPIRE', p.key, 120000) end
      local left = p.minute - p.used - 1
      if not tightest or left < tightest.remaining then
        tightest = { scope = a.scopes[at], limit = p.minute, remaining = left, resets = resets }
      end
    end
    if p.at_once then
      redis.call('ZREMRANGEBYSCORE', p.busy, '-inf', now)
      redis.call('ZADD', p.busy, now + FORGOTTEN, a.lookup)
      redis.call('PEXPIRE', p.busy, FORGOTTEN)
      a.held = true
    end
  end
  return nil, tightest
end
