-- Adds up lessons of finished calls; gateway/lookup/planning/lessons.py says what they are, and is
-- the reference. A book is a hash of cells (five counts each, as text) and a list of what was last
-- seen, newest first: residual, variance, deltas, path.
local RECENT, ENOUGH, NEWEST, Z_SQUARED = 50, 20, 10, 16
local DRIFT = '@drift'

local function counts_of(text)
  local counts = {}
  for count in string.gmatch(text or '0 0 0 0 0', '%S+') do counts[#counts + 1] = tonumber(count) end
  return counts
end

-- A path and its prefixes, widest first.
local function levels_of(path)
  local levels, at = { '' }, 0
  while true do
    at = string.find(path, '/', at + 1, true)
    if not at then break end
    levels[#levels + 1] = string.sub(path, 1, at - 1)
  end
  levels[#levels + 1] = path
  return levels
end

-- A cell's counts with what a call adds to them, as text.
local function added(text, deltas, cap)
  local counts = counts_of(text)
  for i, delta in ipairs(deltas) do counts[i] = math.max(0, counts[i] + delta) end
  if counts[1] >= cap then
    for i, count in ipairs(counts) do counts[i] = math.floor(count / 2) end
  end
  return string.format('%.0f %.0f %.0f %.0f %.0f', unpack(counts))
end

local function add_to(book, cell, deltas, cap)
  redis.call('HSET', book, cell, added(redis.call('HGET', book, cell), deltas, cap))
end

local function watched(text)
  local residual, variance, deltas, path =
    string.match(text, '^(%S+) (%S+) (%S+ %S+ %S+ %S+ %S+) (.*)$')
  return tonumber(residual), tonumber(variance), deltas, path
end

-- Keeps of the book what is newest: back to where it is furthest from what was expected.
local function begin_anew(book, ring, cap)
  local seen, residuals, variances, furthest, size = redis.call('LRANGE', ring, 0, -1), 0, 0, -1, 0
  for count, text in ipairs(seen) do
    local residual, variance = watched(text)
    residuals, variances = residuals + residual, variances + variance
    local far = residuals * residuals / variances
    if count >= NEWEST and far > furthest then furthest, size = far, count end
  end
  local resets = counts_of(redis.call('HGET', book, DRIFT))[1] + 1
  for _, cell in ipairs(redis.call('HKEYS', book)) do
    if string.sub(cell, 1, 1) ~= '@' then redis.call('HDEL', book, cell) end
  end
  redis.call('HSET', book, DRIFT, string.format('%.0f 0 0 0 0', resets))
  for at = size, 1, -1 do
    local _, _, deltas, path = watched(seen[at])
    for _, cell in ipairs(levels_of(path)) do add_to(book, cell, counts_of(deltas), cap) end
  end
  redis.call('DEL', ring)
end

-- The cells of a lesson, each with its deltas; the last is that of drift.
local function parts_of(lesson)
  local cells, deltas = levels_of(lesson.path), {}
  for i in ipairs(cells) do deltas[i] = lesson.deltas end
  for _, one in ipairs(lesson.adds) do
    cells[#cells + 1] = one[1]
    deltas[#cells] = one[2]
  end
  cells[#cells + 1] = DRIFT
  return cells, deltas
end

-- Whether the provider has drifted. Every call runs this: what can be read or written at once is.
local function learn(root, lesson)
  local book = root .. 'learn:' .. lesson.book
  local ring = book .. ':recent'
  local cells, deltas = parts_of(lesson)
  local held, fresh = redis.call('HMGET', book, unpack(cells)), {}
  for i, more in ipairs(deltas) do
    fresh[2 * i - 1], fresh[2 * i] = cells[i], added(held[i], more, lesson.cap)
  end
  if lesson.variance == 0 then
    redis.call('HSET', book, unpack(fresh))
    return false
  end
  local drift = counts_of(held[#cells])
  local length = redis.call('LPUSH', ring, string.format('%.0f %.0f %s %s', lesson.residual,
    lesson.variance, table.concat(lesson.deltas, ' '), lesson.path))
  drift[2], drift[3] = drift[2] + lesson.residual, drift[3] + lesson.variance
  if length > RECENT then
    local residual, variance = watched(redis.call('RPOP', ring))
    drift[2], drift[3] = drift[2] - residual, drift[3] - variance
  end
  fresh[#fresh + 1] = DRIFT
  fresh[#fresh + 1] = string.format('%.0f %.0f %.0f 0 0', unpack(drift))
  redis.call('HSET', book, unpack(fresh))
  if length < ENOUGH or drift[2] * drift[2] <= Z_SQUARED * drift[3] then return false end
  begin_anew(book, ring, lesson.cap)
  return true
end
