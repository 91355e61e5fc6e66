-- What providers said of an address: a hash by the address's keyed hash, a field for each provider.
-- How the addresses of a domain are made: a hash by its keyed hash, votes of at most MOST addresses.
local MOST = 64

-- What is long past weighs less; the hash does not grow.
local function halve(domain)
  local flat = redis.call('HGETALL', domain)
  for at = 1, #flat, 2 do
    if flat[at] == 'n' or string.sub(flat[at], 1, 2) == 'v:' then
      local half = math.floor(tonumber(flat[at + 1]) / 2)
      if half > 0 then redis.call('HSET', domain, flat[at], half)
      else redis.call('HDEL', domain, flat[at]) end
    end
  end
end

local function vote(root, way, life)
  local domain = root .. 'ways:' .. way.domain
  if redis.call('HSETNX', root .. 'given:' .. way.address, 'way', 1) == 1 then
    if redis.call('HINCRBY', domain, 'n', 1) > MOST then halve(domain) end
    for _, one in ipairs(way.votes) do redis.call('HINCRBY', domain, 'v:' .. one, 1) end
  end
  redis.call('PEXPIRE', domain, life)
end

local function give(root, given)
  for _, one in ipairs(given.addresses) do
    local key = root .. 'given:' .. one[1]
    redis.call(given.listed and 'HSETNX' or 'HSET', key, 'by:' .. given.provider, one[2])
    redis.call('PEXPIRE', key, given.life)
  end
  for _, way in ipairs(given.ways) do vote(root, way, given.life) end
  for _, one in ipairs(given.stated) do
    redis.call('HSET', root .. 'ways:' .. one[1], 'stated', one[2])
    redis.call('PEXPIRE', root .. 'ways:' .. one[1], given.life)
  end
end
