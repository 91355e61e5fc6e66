-- uses: suppression
-- Adds an objection. ARGV: kind, source, reason, domain ('' for none), then its marks. Returns its id,
-- and 1 if it is new.
local id, new = suppress(KEYS[1], { kind = ARGV[1], source = ARGV[2], reason = ARGV[3],
  domain = ARGV[4], marks = { unpack(ARGV, 5) } }, now_ms())
return { id, new and 1 or 0 }
