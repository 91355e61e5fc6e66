-- Deliveries of webhooks and the queues of their receivers, shared by every script that moves them.
-- An owner is an endpoint, or "inline:TEAM" for the addresses of a team's jobs; a target is what is
-- delivered to: the endpoint, or one such address.

-- The pace of a target that nothing was sent to for so long is forgotten.
local FORGOTTEN = 86400000

local function place(root, part, target) return root .. 'deliveries:' .. part .. ':' .. target end

local function is_open(root, owner)
  return string.sub(owner, 1, 7) == 'inline:' or redis.call('HGET', root .. 'endpoint:' .. owner,
    'enabled') == '1'
end

-- How many more may be under way to a target; it begins with one at a time.
local function room(root, target, each)
  local slots = tonumber(redis.call('HGET', place(root, 'pace', target), 'slots') or 1)
  return math.min(slots, each) - redis.call('ZCARD', place(root, 'busy', target))
end

-- Says when there is something to do for a target: a delivery is due, or a lease runs out.
local function reckon(root, target, each)
  local due = redis.call('ZRANGE', place(root, 'due', target), 0, 0, 'WITHSCORES')
  local lease = redis.call('ZRANGE', place(root, 'busy', target), 0, 0, 'WITHSCORES')
  local at
  if due[2] and room(root, target, each) > 0 then
    local held = redis.call('HGET', place(root, 'pace', target), 'held')
    at = math.max(tonumber(due[2]), tonumber(held or 0))
  end
  if lease[2] and (not at or tonumber(lease[2]) < at) then at = tonumber(lease[2]) end
  if at then
    redis.call('ZADD', root .. 'deliveries:ready', at, target)
  else
    redis.call('ZREM', root .. 'deliveries:ready', target)
  end
end

local function line_up(root, target, id, at, each)
  redis.call('ZADD', place(root, 'due', target), at, id)
  redis.call('HSET', root .. 'delivery:' .. id, 'state', 'pending', 'due', at)
  reckon(root, target, each)
end

-- What is over is kept for a while, to be read and sent again.
local function close(root, id, state, word, keep)
  redis.call('HSET', root .. 'delivery:' .. id, 'state', state, 'error', word)
  redis.call('HDEL', root .. 'delivery:' .. id, 'due')
  redis.call('PEXPIRE', root .. 'delivery:' .. id, keep)
end
