-- uses: moves suppression breaker
-- Keeps a provider's ticket (and its lease) on the entry before its next poll. 0 if it is closed,
-- 'outdated' for a store that is older than its caller.
-- ARGV: rid, ticket, lease ms, the ticket without persons, marks of those in it, the breaker that
-- this answer closes and the key of another place that has the ticket ('' for none); whether its
-- owner knows that it was reserved; whether it is dispatched by this, so that it is never without its
-- ticket; and the sequence and era that its owner has seen. Returns the ledger's sequence.
local PLACED = 2 * 24 * 3600 * 1000
local root, rid, ticket, lease = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local begins, mark, era = ARGV[9] == '1', tonumber(ARGV[10]), tonumber(ARGV[11])
if is_missed(root, rid, ARGV[8] == '1', era) or is_outdated(root, mark, era) then
  return 'outdated'
end
if objected(root, words(ARGV[5])) then ticket = ARGV[4] end
local now = now_ms()
local key = root .. 'entry:' .. rid
local e = redis.call('HMGET', key, 'state', 'worst_cost', 'balances', 'reason', 'worst_units',
  'meters', 'credential')
if e[1] == 'in_doubt' and e[4] == 'owner_gone' then
  -- The owner was only slow: with its ticket in hand there is no doubt.
  move(e[3], 'in_doubt', tonumber(e[2]), 'reserved', tonumber(e[2]))
  move(e[6], 'in_doubt', tonumber(e[5]), 'reserved', tonumber(e[5]))
  redis.call('SREM', root .. 'doubts', rid)
  stamp(root)
elseif begins and e[1] == 'reserved' then
  redis.call('HSET', key, 'dispatched_at', now)
  stamp(root)
elseif e[1] ~= 'dispatched' then
  return 0
end
redis.call('HSET', key, 'state', 'dispatched', 'ticket', ticket, 'until', now + lease)
redis.call('ZADD', root .. 'open', now + lease, rid)
if ARGV[7] ~= '' then redis.call('SET', ARGV[7], ticket, 'PX', PLACED) end
if ARGV[6] ~= '' then heard(root, e[7], ARGV[6], rid, 'ok', now) end
return (standing_of(root))
