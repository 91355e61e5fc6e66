-- uses: moves
-- Its owner has more to do before a call leaves: the entry is left alone for ARGV[2] ms. Returns 1, 0
-- if it is closed, 'outdated' for a store older than ARGV[3] and ARGV[4], sequence and era.
local root, rid, lease = KEYS[1], ARGV[1], tonumber(ARGV[2])
if is_outdated(root, tonumber(ARGV[3]), tonumber(ARGV[4])) then return 'outdated' end
return renew(root, rid, now_ms() + lease) and 1 or 0
