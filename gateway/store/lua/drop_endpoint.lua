-- uses: deliveries
-- Deletes an endpoint with its log, ARGV[3] deliveries of it at a time. Returns how many are left.
-- ARGV: id, team, most.
local root, id = KEYS[1], ARGV[1]
redis.call('SREM', root .. 'endpoints', id)
redis.call('SREM', root .. 'endpoints:of:' .. ARGV[2], id)
redis.call('DEL', root .. 'endpoint:' .. id)
local log = place(root, 'of', id)
for _, delivery in ipairs(redis.call('ZRANGE', log, 0, ARGV[3] - 1)) do
  redis.call('DEL', root .. 'delivery:' .. delivery)
  redis.call('ZREM', log, delivery)
end
for _, part in ipairs({ 'due', 'busy', 'pace' }) do redis.call('DEL', place(root, part, id)) end
redis.call('ZREM', root .. 'deliveries:ready', id)
return redis.call('ZCARD', log)
