-- uses: moves
-- Enters what a journal knows and the ledger has forgotten; what the ledger knows as ended stays.
-- ARGV: the entry, packed. Returns 1 if the ledger changed.

-- Whether it may have left the ledger: entries of its day have.
local function is_summed(a)
  local day = string.match(table.concat(a.balances, ' '), ':d:(%d+%-%d+%-%d+)')
  local last = redis.call('ZRANGE', a.root .. 'days', -1, -1)[1]
  return day and last and day <= last
end

local a = cmsgpack.unpack(ARGV[1])
local now = now_ms()
local key = a.root .. 'entry:' .. a.rid
local changed = 0
if redis.call('EXISTS', key) == 0 then
  if a.ending.state == 'voided' or is_summed(a) then return 0 end
  local seq = stamp(a.root)
  redis.call('HSET', key, 'state', 'dispatched', 'seq', seq, 'lookup', a.lookup, 'team', a.team,
    'key', a.key, 'tag', '', 'provider', a.provider, 'operation', a.operation,
    'credential', a.credential, 'slot', a.slot, 'worst_units', a.units, 'worst_cost', a.cost,
    'price', a.price, 'free', a.free and 1 or 0, 'at', a.at, 'dispatched_at', a.at, 'until', now,
    'balances', table.concat(a.balances, ' '), 'meters', table.concat(a.meters, ' '),
    'ticket', '', 'joined', 0, 'watch', '', 'unpriced', 0, 'unit', a.unit,
    'restored', 1)
  move(table.concat(a.balances, ' '), nil, 0, 'reserved', a.cost)
  move(table.concat(a.meters, ' '), nil, 0, 'reserved', a.units)
  redis.call('ZADD', a.root .. 'ledger', seq, a.rid)
  redis.call('SET', a.root .. 'flight:' .. a.slot, a.rid, 'NX')
  changed = 1
elseif a.ending.state == 'in_doubt' and redis.call('HGET', key, 'state') == 'dispatched' then
  -- It is not forgotten, and may be under way.
  return 0
end
if close(a.root, a.rid, a.ending, now) then changed = 1 end
redis.call('ZREM', a.root .. 'open', a.rid)
return changed
