-- uses:
-- Which values may name somebody, as far as one script may look: they are looked into by whoever asks.
-- ARGV: packed lists of lower-case texts, all of one list have to be in a value; how many bytes to look
-- at; where to go on in the first key; the keys. Returns the number of the key to go on with (0 at the
-- end) and where in it, then key and field (of a stream its entry, of a text nothing), ... It stops early
-- where it has found MOST of these: Lua unpacks no more than 8000, and a page of a hash may be 512 fields.
local lists, budget, from = cmsgpack.unpack(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local found, MOST = {}, 4000
local ODD = { '\\u', '%%[2-7][0-9a-f]', '[\194-\244][\128-\191]' }

local function suspicious(value)
  budget = budget - #value
  local text = string.lower(value)
  -- A letter that is written as a number, or beyond ASCII, may be any in another spelling.
  for _, odd in ipairs(ODD) do
    if string.find(text, odd) then return true end
  end
  for _, pieces in ipairs(lists) do
    local all = true
    for _, piece in ipairs(pieces) do
      all = all and string.find(text, piece, 1, true) ~= nil
    end
    if all then return true end
  end
  return false
end

local function note(key, field)
  found[#found + 1] = key
  found[#found + 1] = field
  if #found >= MOST then budget = 0 end
end

-- Part of a hash, from a cursor to the next; '0' at its end.
local function look_into(key, cursor)
  local page = redis.call('HSCAN', key, cursor, 'COUNT', 50)
  for at = 1, #page[2], 2 do
    local field = page[2][at]
    if suspicious(field .. '\n' .. page[2][at + 1]) then note(key, field) end
  end
  return page[1]
end

local function read_on(key, after)
  local rows = redis.call('XRANGE', key, after == '0' and '-' or '(' .. after, '+', 'COUNT', 50)
  for _, row in ipairs(rows) do
    if suspicious(table.concat(row[2], '\n')) then note(key, row[1]) end
  end
  return #rows == 50 and rows[50][1] or '0'
end

for at = 4, #ARGV do
  local key, kind = ARGV[at], redis.call('TYPE', ARGV[at]).ok
  if kind == 'string' and suspicious(redis.call('GET', key)) then note(key, '') end
  if kind == 'hash' or kind == 'stream' then
    repeat
      from = (kind == 'hash' and look_into or read_on)(key, from)
    until from == '0' or budget <= 0
    if from ~= '0' then return { at - 3, from, unpack(found) } end
  end
  from = '0'
  if budget <= 0 and at < #ARGV then return { at - 2, '0', unpack(found) } end
end
return { 0, '0', unpack(found) }
