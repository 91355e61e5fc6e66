-- What providers said of an address: a hash by the address's keyed hash, a field for each provider.
local function give(root, given)
  for _, one in ipairs(given.addresses) do
    local key = root .. 'given:' .. one[1]
    redis.call('HSET', key, 'by:' .. given.provider, one[2])
    redis.call('PEXPIRE', key, given.life)
  end
end
