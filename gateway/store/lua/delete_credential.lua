-- Deletes a credential unless tickets of its account are still to be collected; returns how many.
-- KEYS: the ledger's root, the credential, the index. ARGV: its id.
local found = 0
for _, rid in ipairs(redis.call('ZRANGE', KEYS[1] .. 'open', 0, -1)) do
  local e = redis.call('HMGET', KEYS[1] .. 'entry:' .. rid, 'credential', 'state', 'ticket')
  local live = e[2] == 'dispatched' or e[2] == 'reserved'
  if e[1] == ARGV[1] and live and e[3] and e[3] ~= '' then found = found + 1 end
end
if found == 0 then
  redis.call('SREM', KEYS[3], ARGV[1])
  redis.call('DEL', KEYS[2])
end
return found
