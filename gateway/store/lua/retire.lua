-- uses: moves
-- Turns entries that ended ARGV[1] ms ago into sums of their day, ARGV[2] of the oldest at a time.
-- What is open or in doubt stays. Returns how many were turned.
local root, keep, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local now, done = now_ms(), 0
local DOUBTS = 5000
local WHO = { 'team', 'key', 'provider', 'credential', 'operation', 'tag' }
-- Doubts that nobody resolves must not be all that is looked at.
local stay = math.min(redis.call('SCARD', root .. 'doubts'), DOUBTS)
for _, rid in ipairs(redis.call('ZRANGE', root .. 'ledger', 0, most + stay - 1)) do
  local key = root .. 'entry:' .. rid
  local e = redis.call('HMGET', key, 'state', 'closed_at', 'balances', 'units', 'cost',
    'dispatched_at', unpack(WHO))
  local ended = tonumber(e[2] or 0)
  if e[1] == 'in_doubt' or LIVE[e[1]] then
    ended = now
  end
  if now - ended >= keep then
    local day = string.match(e[3] or '', ':d:(%d+%-%d+%-%d+)')
    if day then
      local name = cjson.encode({ unpack(e, 7, 12) })
      local sums = root .. 'sums:' .. day
      redis.call('ZADD', root .. 'days', (string.gsub(day, '-', '')), day)
      if e[1] == 'posted' then
        redis.call('HINCRBY', sums, 'units' .. name, e[4])
        redis.call('HINCRBY', sums, 'cost' .. name, e[5])
      end
      if e[6] ~= '0' then redis.call('HINCRBY', sums, 'calls' .. name, 1) end
    end
    redis.call('DEL', key)
    redis.call('ZREM', root .. 'ledger', rid)
    done = done + 1
  end
end
return done
