-- uses: moves
-- Puts a request where it belongs in the windows of its account: it left later than it was let go,
-- for want of a connection.
-- KEYS: root, account. ARGV: when it was let go, then its buckets.
local now = now_ms()
for i = 2, #ARGV do
  local grants = KEYS[2] .. ':grants:' .. ARGV[i]
  if redis.call('LREM', grants, -1, ARGV[1]) == 1 then redis.call('RPUSH', grants, now) end
end
return 1
