-- uses:
-- Copies a stream and puts the copy in its place: of entries that are deleted it goes on holding every
-- byte until all those beside them are deleted, too. ARGV: key, key of the copy, the entry to go on
-- after ('' at the beginning), most entries. Returns the entry to go on after, '' at the end.
local key, copy, after, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if after == '' then redis.call('DEL', copy) end
local rows = redis.call('XRANGE', key, after == '' and '-' or '(' .. after, '+', 'COUNT', most)
for _, row in ipairs(rows) do redis.call('XADD', copy, row[1], unpack(row[2])) end
if #rows == most then return rows[most][1] end
-- What was taken from its beginning meanwhile must not come back.
local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
if not first or redis.call('EXISTS', copy) == 0 then
  redis.call('DEL', copy)
  return ''
end
redis.call('XTRIM', copy, 'MINID', '=', first[1])
local info, last = redis.call('XINFO', 'STREAM', key), nil
for at = 1, #info, 2 do
  if info[at] == 'last-generated-id' then last = info[at + 1] end
end
redis.call('XSETID', copy, last)
redis.call('RENAME', copy, key)
return ''
