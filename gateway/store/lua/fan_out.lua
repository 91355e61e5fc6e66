-- uses: deliveries
-- Makes a delivery of each row of the outbox for each endpoint of its team that subscribes the
-- event, and one for the row's own address. ARGV: most rows, most at once, kept for ms, deliveries
-- after which it is enough. Returns how many rows were taken.
local root, each, keep = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local DEFAULT = 'default'

local made, taken = 0, 0

local function add(row, f, owner, url)
  local target = url and owner .. ':' .. string.sub(redis.sha1hex(url), 1, 16) or owner
  local id = 'msg_' .. string.sub(redis.sha1hex(root .. row .. ' ' .. target), 1, 24)
  local key, log = root .. 'delivery:' .. id, place(root, 'of', owner)
  redis.call('HSET', key, 'owner', owner, 'target', target, 'event', f.event, 'team', f.team,
    'data', f.data, 'url', url or '', 'at', string.match(row, '^%d+'), 'made', now,
    'attempts', 0, 'failures', 0)
  redis.call('ZADD', log, now, id)
  redis.call('ZREMRANGEBYSCORE', log, '-inf', now - keep)
  line_up(root, target, id, now, each)
  made = made + 1
end

local function subscribes(endpoint, event)
  local e = redis.call('HMGET', root .. 'endpoint:' .. endpoint, 'enabled', 'events')
  return e[1] == '1' and string.find(' ' .. e[2] .. ' ', ' ' .. event .. ' ', 1, true)
end

-- The budget of the whole installation is nobody's but its administrators'.
local function team_of(f)
  if f.event ~= 'budget.threshold' then return f.team end
  local ok, data = pcall(cjson.decode, f.data)
  return ok and type(data) == 'table' and data.scope == 'all' and DEFAULT or f.team
end

local rows = redis.call('XRANGE', root .. 'outbox', '-', '+', 'COUNT', ARGV[1])
for _, row in ipairs(rows) do
  if made >= tonumber(ARGV[4]) then break end
  local f = {}
  for at = 1, #row[2], 2 do f[row[2][at]] = row[2][at + 1] end
  if f.event and f.team and f.data then
    f.team = team_of(f)
    for _, endpoint in ipairs(redis.call('SMEMBERS', root .. 'endpoints:of:' .. f.team)) do
      if subscribes(endpoint, f.event) then add(row[1], f, endpoint) end
    end
    if f.url and f.url ~= '' then add(row[1], f, 'inline:' .. f.team, f.url) end
  end
  redis.call('XDEL', root .. 'outbox', row[1])
  taken = taken + 1
end
return taken
