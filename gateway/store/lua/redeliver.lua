-- uses: deliveries
-- Sends a delivery again, now and with all its retries, under the id it had.
-- ARGV: id, owner, most at once. Returns why not: missing, disabled, sending; or ok.
local root, id, owner = KEYS[1], ARGV[1], ARGV[2]
local key = root .. 'delivery:' .. id
local d = redis.call('HMGET', key, 'owner', 'target', 'state')
if d[1] ~= owner then return 'missing' end
if not is_open(root, owner) then return 'disabled' end
if d[3] == 'sending' then return 'sending' end
redis.call('PERSIST', key)
redis.call('HSET', key, 'failures', 0)
line_up(root, d[2], id, now_ms(), tonumber(ARGV[3]))
return 'ok'
