-- uses: queue
-- Opens a job whose items lie ready; rows that can't be asked have their results already. Under an
-- idempotency key a job is opened once: its repeats are told which one it was.
-- ARGV: id, team, lane, kept for ms, mark ('' for none), fingerprint, kept for ms, number of events of
-- rows that have ended, the events, then field, value, ...
-- Returns the job's id, '' if the key was used with another body.
local root, id, team, lane, keep = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local now = now_ms()
local key, mark = root .. 'job:' .. id, nil
if redis.call('EXISTS', key) == 1 then return id end
if ARGV[5] ~= '' then
  mark = root .. 'mark:' .. ARGV[5]
  local m = redis.call('HMGET', mark, 'fingerprint', 'job')
  if m[1] and m[1] ~= ARGV[6] then return '' end
  if m[2] and redis.call('EXISTS', root .. 'job:' .. m[2]) == 1 then return m[2] end
  redis.call('DEL', mark)
  redis.call('HSET', mark, 'fingerprint', ARGV[6], 'job', id)
  redis.call('PEXPIRE', mark, ARGV[7])
  redis.call('HSET', key, 'mark', mark)
end
redis.call('HSET', key, 'team', team, 'lane', lane, 'created', now, unpack(ARGV, 9 + ARGV[8]))
for _, part in ipairs(PARTS) do redis.call('PERSIST', key .. part) end
redis.call('PERSIST', '{pgw}:budget:job:' .. id)
list(root, id, team, now, keep)
local url = redis.call('HGET', key, 'item_url') or ''
for at = 9, 8 + ARGV[8] do
  redis.call('XADD', root .. 'outbox', 'MAXLEN', '~', 100000, '*', 'event', 'job.item.completed',
    'team', team, 'url', url, 'data', ARGV[at])
end
local j = redis.call('HMGET', key, 'total', 'done')
if tonumber(j[2]) < tonumber(j[1]) then line_up(root, lane, team, id, now) end
conclude(root, id, now, keep)
return id
