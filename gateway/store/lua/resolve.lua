-- uses: moves
-- Ends a doubt by somebody's word. ARGV: id, state, units, cost, note, who, sequence and era seen.
-- Returns the state the entry had, '' if there is none, 'outdated' for a store that is older.
local root, rid, state = KEYS[1], ARGV[1], ARGV[2]
if is_outdated(root, tonumber(ARGV[7]), tonumber(ARGV[8])) then return 'outdated' end
local key = root .. 'entry:' .. rid
local held = redis.call('HGET', key, 'state')
if held ~= 'in_doubt' then return held or '' end
close(root, rid, { state = state, units = tonumber(ARGV[3]), cost = tonumber(ARGV[4]),
  outcome = 'failed', reason = 'resolved' }, now_ms())
redis.call('HSET', key, 'note', ARGV[5], 'resolved_by', ARGV[6])
return held
