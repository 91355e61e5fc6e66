-- uses: moves pace breaker suppression admission queue
-- Claims an idempotency key, or tells what came of the request that claimed it. The claim is a job
-- kept out of sight: once its lease runs out it is taken over, and shown, like any other.
-- ARGV: mark, fingerprint, job's id ('' only looks), team, lease ms, kept for ms, the query, then
-- field, value, ... of the job.
local root = KEYS[1]
local mark, id, team = root .. 'mark:' .. ARGV[1], ARGV[3], ARGV[4]
local now = now_ms()

-- What a finished request left behind; nil for a list that names somebody who objected since.
local function stored(m)
  if objected(root, words(m[6])) then
    redis.call('HSET', mark, 'headers', '', 'body', '')
    return { 'objected' }
  end
  if objected(root, words(m[7])) then return nil end
  return { 'stored', m[3], m[4], m[5] }
end

-- The request under way, or the job that it became.
local function pending(name)
  local key = root .. 'job:' .. name
  local j = redis.call('HMGET', key, 'team', 'hidden')
  if not j[1] then return nil end
  if j[2] then
    if tonumber(redis.call('ZSCORE', root .. 'leases:interactive', name .. ' 0') or '0') > now then
      return { 'running' }
    end
    redis.call('HDEL', key, 'hidden')
    list(root, name, j[1], now, tonumber(ARGV[6]))
  end
  return { 'job', name }
end

local m = redis.call('HMGET', mark, 'fingerprint', 'job', 'status', 'headers', 'body', 'persons',
  'rows')
if m[1] then
  if m[1] ~= ARGV[2] then return { 'mismatch' } end
  local found
  if m[3] then found = stored(m) else found = pending(m[2]) end
  if found then return found end
end
if id == '' then return { 'free' } end
local key = root .. 'job:' .. id
-- Withdrawn by its owner: this claim was held up on its way and nobody waits for it any more.
if redis.call('EXISTS', key) == 1 then return { 'gone' } end
redis.call('DEL', mark)
redis.call('HSET', mark, 'fingerprint', ARGV[2], 'job', id)
redis.call('PEXPIRE', mark, ARGV[6])
redis.call('HSET', key, 'hidden', 1, 'team', team, 'mark', mark, 'lane', 'interactive',
  'created', now, 'started', now, unpack(ARGV, 8))
redis.call('HSET', key .. ':in', 0, ARGV[7])
return { 'claimed', lend(root, 'interactive', id, 0, now + tonumber(ARGV[5])) }
