-- Objections, shared by every script that heeds or changes them. A record holds marks; a mark is in
-- force for as long as a record holds it.

local AT_ONCE = 1000

-- Those of the marks that an objection has.
local function struck(root, marks)
  local found = {}
  for first = 1, #marks, AT_ONCE do
    local last = math.min(first + AT_ONCE - 1, #marks)
    local hits = redis.call('SMISMEMBER', root .. 'suppressed', unpack(marks, first, last))
    for at, hit in ipairs(hits) do
      if hit == 1 then found[#found + 1] = marks[first + at - 1] end
    end
  end
  return found
end

local function objected(root, marks) return #struck(root, marks) > 0 end

local function words(text)
  local found = {}
  for word in string.gmatch(text or '', '%S+') do found[#found + 1] = word end
  return found
end

-- The records that hold a mark.
local function holders(root, mark)
  return words(redis.call('HGET', root .. 'suppressed:by', mark) or '')
end

local function hold_mark(root, id, mark)
  if redis.call('SADD', root .. 'suppression:' .. id .. ':marks', mark) == 0 then return end
  local ids = holders(root, mark)
  ids[#ids + 1] = id
  redis.call('HSET', root .. 'suppressed:by', mark, table.concat(ids, ' '))
  redis.call('SADD', root .. 'suppressed', mark)
end

-- Adds a record, named by who says so and by its marks: saying it again changes no more than the
-- reason. Returns its id and whether it is new.
local function suppress(root, r, now)
  local name = redis.sha1hex(r.source .. ' ' .. table.concat(r.marks, ' '))
  local id = 'sup_' .. string.sub(name, 1, 24)
  local key = root .. 'suppression:' .. id
  local new = redis.call('EXISTS', key) == 0
  if new then
    redis.call('HSET', key, 'kind', r.kind, 'reason', r.reason, 'source', r.source, 'created', now,
      'domain', r.domain or '')
    redis.call('ZADD', root .. 'suppressions', redis.call('INCR', root .. 'suppressions:seq'), id)
  elseif r.reason ~= '' then
    redis.call('HSET', key, 'reason', r.reason)
  end
  for _, mark in ipairs(r.marks) do hold_mark(root, id, mark) end
  return id, new
end

-- Whoever was asked about, and turned out to be someone who objected, is known by that question, too:
-- for as long as the objection stands.
local function extend(root, hits, persons, places)
  for _, hit in ipairs(hits) do
    for _, id in ipairs(holders(root, hit)) do
      for _, mark in ipairs(persons) do hold_mark(root, id, mark) end
      -- A company's name leads to a domain that objected, never to one of its people.
      for _, mark in ipairs(string.sub(hit, 1, 7) == 'domain:' and places or {}) do
        if string.sub(mark, 1, 7) ~= 'domain:' then hold_mark(root, id, mark) end
      end
    end
  end
end

-- Takes a record back, and the marks that no other holds.
local function lift(root, id)
  local key = root .. 'suppression:' .. id
  for _, mark in ipairs(redis.call('SMEMBERS', key .. ':marks')) do
    local left = {}
    for _, other in ipairs(holders(root, mark)) do
      if other ~= id then left[#left + 1] = other end
    end
    if #left > 0 then
      redis.call('HSET', root .. 'suppressed:by', mark, table.concat(left, ' '))
    else
      redis.call('HDEL', root .. 'suppressed:by', mark)
      redis.call('SREM', root .. 'suppressed', mark)
    end
  end
  redis.call('DEL', key .. ':marks')
  redis.call('ZREM', root .. 'suppressions', id)
  return redis.call('DEL', key)
end
