-- uses: moves
-- Closes entries whose owners are gone. Tickets among them are handed to the caller, who has
-- ARGV[1] ms to collect them; ARGV[2] and ARGV[3] are the sequence and the era that it has seen.
-- Returns rid, ticket, credential, ..., or 'outdated' for a store that is older.
local root, lease = KEYS[1], tonumber(ARGV[1])
if is_outdated(root, tonumber(ARGV[2] or 0), tonumber(ARGV[3] or 0)) then return 'outdated' end
local now = now_ms()
local found = {}
local due = redis.call('ZRANGEBYSCORE', root .. 'open', '-inf', now, 'LIMIT', 0, 100)
for _, rid in ipairs(due) do
  local key = root .. 'entry:' .. rid
  local e = redis.call('HMGET', key, 'state', 'ticket', 'credential', 'until')
  if LIVE[e[1]] and tonumber(e[4]) > now then
    redis.call('ZADD', root .. 'open', tonumber(e[4]), rid)
  elseif LIVE[e[1]] and e[2] ~= '' then
    redis.call('HSET', key, 'until', now + lease)
    redis.call('ZADD', root .. 'open', now + lease, rid)
    found[#found + 1] = rid
    found[#found + 1] = e[2]
    found[#found + 1] = e[3]
  else
    abandon(root, rid, e[1], now)
  end
end
return found
