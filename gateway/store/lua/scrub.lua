-- uses:
-- Takes values away that name somebody, each only if it is still what was seen. ARGV, for each: what to
-- do, key, field ('' for a text), the SHA-1 of what was seen, what takes its place ('' for nothing).
-- `field` puts something in its place, `key` deletes all of the key, `answer` an answer and its place
-- in the cache, `event` the entry of a stream, `sum` the tag that its field names. Returns how many were
-- taken away.
local root, done = KEYS[1], 0

-- Adds a sum to that of the same day, with another tag.
local function relabel(key, field, amount, tag)
  local kind, who = string.match(field, '^(%a+)(%[.*)$')
  local names = cjson.decode(who)
  names[#names] = tag
  redis.call('HDEL', key, field)
  redis.call('HINCRBY', key, kind .. cjson.encode(names), amount)
end

for at = 1, #ARGV, 5 do
  local what, key, field, fresh = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
  local held
  if what == 'event' then
    done = done + redis.call('XDEL', key, field)
  elseif field == '' then
    held = redis.call('GET', key)
  else
    held = redis.call('HGET', key, field)
  end
  if held and redis.sha1hex(held) == ARGV[at + 3] then
    done = done + 1
    if what == 'sum' then
      relabel(key, field, held, fresh)
    elseif what ~= 'field' then
      redis.call('DEL', key)
    elseif fresh == '' then
      redis.call('HDEL', key, field)
    else
      redis.call('HSET', key, field, fresh)
    end
    if what == 'answer' then
      redis.call('ZREM', root .. 'cached', string.sub(key, #root + #'cache:' + 1))
    end
  end
end
return done
