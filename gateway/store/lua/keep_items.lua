-- uses: queue
-- Prolongs leases. ARGV: lease ms, then job, index, token, ... Returns 1 for each that is still held
-- by its token, else 0. Whoever has not heard that a job was cancelled is told of it again.
local root, ends = KEYS[1], now_ms() + tonumber(ARGV[1])
local found, told = {}, {}
for at = 2, #ARGV, 3 do
  local job, member = ARGV[at], ARGV[at] .. ' ' .. ARGV[at + 1]
  local held = owns(root, member, ARGV[at + 2])
  if held then redis.call('ZADD', root .. 'leases:' .. lane_of(root, job), 'XX', ends, member) end
  found[#found + 1] = held and 1 or 0
  if held and not told[job] and redis.call('HGET', root .. 'job:' .. job, 'status') == 'cancelled' then
    told[job] = true
    redis.call('PUBLISH', root .. 'cancelled', job)
  end
end
return found
